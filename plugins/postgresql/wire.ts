import { BinaryReader, BinaryWriter } from "google-protobuf";
import { Value } from "google-protobuf/google/protobuf/struct_pb";

// Messages are changed in their binary form, field by field: the classes of @pulumi/pulumi drop the fields of an engine that
// is newer than they are. https://protobuf.dev/programming-guides/encoding/

/** A field of a message, as it came. */
interface Field {
    readonly number: number;
    /** The whole field, with its number and length. */
    readonly raw: Uint8Array;
    /** What it holds, if that is bytes: a text or another message. */
    readonly content: Uint8Array | undefined;
}

/** The fields of google.protobuf.Struct, and of an entry in a map. */
const STRUCT_ENTRY = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** The keys and marks by which Pulumi wraps a value that is no plain one, in pkg/resource/stack. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** A message's fields in their order. Throws when it is no message. */
export function fieldsOf(message: Uint8Array): Field[] {
    const reader = new BinaryReader(message);
    const fields: Field[] = [];
    while (reader.nextField()) {
        const start = reader.getFieldCursor();
        const number = reader.getFieldNumber();
        const delimited = reader.isDelimited();
        const content = delimited ? reader.readBytes() : undefined;
        if (!delimited) {
            reader.skipField();
        }
        fields.push({ number, raw: message.subarray(start, reader.getCursor()), content });
    }
    return fields;
}

/** A field that holds bytes. */
export function field(number: number, content: Uint8Array): Uint8Array {
    const writer = new BinaryWriter();
    writer.writeBytes(number, content);
    return writer.getResultBuffer();
}

/** A field that holds a number of an enumeration. */
export function enumField(number: number, value: number): Uint8Array {
    const writer = new BinaryWriter();
    writer.writeEnum(number, value);
    return writer.getResultBuffer();
}

function entryOf(content: Uint8Array): { key: string; value: Uint8Array } {
    const parts = new Map(fieldsOf(content).map(({ number, content: part }) => [number, part]));
    return {
        key: Buffer.from(parts.get(ENTRY_KEY) ?? []).toString("utf8"),
        value: parts.get(ENTRY_VALUE) ?? new Uint8Array(),
    };
}

/** A map without the entries of which `drops` says so, and the value of the last one dropped. */
function withoutEntries(
    map: readonly Field[],
    drops: (field: Field) => boolean,
): { kept: Uint8Array; dropped: Uint8Array | undefined } {
    const dropped = map.filter(drops).at(-1)?.content;
    return {
        kept: Buffer.concat(map.filter((one) => !drops(one)).map(({ raw }) => raw)),
        dropped: dropped === undefined ? undefined : entryOf(dropped).value,
    };
}

/** A message from which a property was taken. */
export interface Stripped {
    readonly message: Uint8Array;
    /** The property's value (a google.protobuf.Value) by the number of the field it was found in. */
    readonly values: ReadonlyMap<number, Uint8Array>;
}

/** Takes a property out of a message's fields that are a google.protobuf.Struct each. The rest stays byte for byte. */
export function withoutProperty(
    message: Uint8Array,
    structs: readonly number[],
    property: string,
): Stripped {
    const values = new Map<number, Uint8Array>();
    const parts = fieldsOf(message).map(({ number, raw, content }) => {
        if (content === undefined || !structs.includes(number)) {
            return raw;
        }
        const { kept, dropped } = withoutEntries(
            fieldsOf(content),
            (one) =>
                one.number === STRUCT_ENTRY &&
                one.content !== undefined &&
                entryOf(one.content).key === property,
        );
        if (dropped === undefined) {
            return raw;
        }
        values.set(number, dropped);
        return field(number, kept);
    });
    return { message: Buffer.concat(parts), values };
}

/** Takes entries out of a message's field that is a map from texts to texts. */
export function withoutVariable(message: Uint8Array, map: number, suffix: string): Uint8Array {
    return withoutEntries(
        fieldsOf(message),
        ({ number, content }) =>
            number === map && content !== undefined && entryOf(content).key.endsWith(suffix),
    ).kept;
}

/** A message's field with a property added to the google.protobuf.Struct that it holds. */
export function withProperty(
    message: Uint8Array,
    struct: number,
    property: string,
    value: Uint8Array,
): Uint8Array {
    const entry = Buffer.concat([
        field(ENTRY_KEY, Buffer.from(property)),
        field(ENTRY_VALUE, value),
    ]);
    const fields = fieldsOf(message);
    const holder = fields.findIndex(({ number }) => number === struct);
    const changed = field(
        struct,
        Buffer.concat([fields[holder]?.content ?? Buffer.alloc(0), field(STRUCT_ENTRY, entry)]),
    );
    const parts = fields.map(({ raw }, index) => (index === holder ? changed : raw));
    return Buffer.concat(holder < 0 ? [...parts, changed] : parts);
}

/** The text in a property's value, also in a secret one; undefined where it holds something else. */
export function textIn(value: Uint8Array): string | undefined {
    const plain: unknown = Value.deserializeBinary(value).toJavaScript();
    const wrapped = plain as { [SIGNATURE]?: unknown; value?: unknown } | null;
    const inner =
        typeof plain === "object" && wrapped?.[SIGNATURE] === SECRET ? wrapped.value : plain;
    return typeof inner === "string" ? inner : undefined;
}
