import {
    enumField,
    field,
    fieldsOf,
    textIn,
    withoutProperty,
    withoutVariable,
    withProperty,
} from "./wire";

/**
 * The provider's input that says how its database is reached. The wrapper takes it out of what the vendor's plugin gets,
 * which would refuse it. It is in the state with the provider's other inputs, so a destroy finds it there.
 */
export const ROUTE_INPUT = "databaseRoute";

/** What stands for a value that a preview does not know yet, in Pulumi's protocol. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

// Numbers of fields, https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
const CHECK_REQUEST = { olds: 2, news: 3 };
const CHECK_RESPONSE = { inputs: 1, failures: 2 };
const DIFF_REQUEST = { olds: 3, news: 4, oldInputs: 6 };
const DIFF_RESPONSE = { changes: 4, diffs: 5 };
const CONFIGURE_REQUEST = { variables: 1, args: 2 };
const DIFF_SOME = 2;

/** What becomes of a call's two messages. */
interface Rewritten {
    readonly request: Uint8Array;
    /** The route that the call names; undefined where there is none, or where it is not known yet. */
    readonly route: string | undefined;
    /** What the engine gets in the place of the plugin's answer. */
    readonly response?: (answer: Uint8Array) => Uint8Array;
}

/** The route in an input's value. Throws one sentence when it is no text. */
function routeIn(value: Uint8Array | undefined): string | undefined {
    if (value === undefined) {
        return undefined;
    }
    const text = textIn(value);
    if (text === undefined) {
        throw new Error(`The postgresql provider's input "${ROUTE_INPUT}" is not a text.`);
    }
    return text === UNKNOWN ? undefined : text;
}

/** The engine keeps the inputs that a check answers, so the route goes back into them. */
function checkConfig(request: Uint8Array): Rewritten {
    const { olds, news } = CHECK_REQUEST;
    const { message, values } = withoutProperty(request, [olds, news], ROUTE_INPUT);
    const value = values.get(news);
    return {
        request: message,
        route: routeIn(value),
        response: (answer) =>
            value === undefined ||
            fieldsOf(answer).some(({ number }) => number === CHECK_RESPONSE.failures)
                ? answer
                : withProperty(answer, CHECK_RESPONSE.inputs, ROUTE_INPUT, value),
    };
}

/** A changed route is an update of the provider and no more: what it manages stays where it is. */
function diffConfig(request: Uint8Array): Rewritten {
    const { olds, news, oldInputs } = DIFF_REQUEST;
    const { message, values } = withoutProperty(request, [olds, news, oldInputs], ROUTE_INPUT);
    const before = values.get(oldInputs) ?? values.get(olds);
    const after = values.get(news);
    const same = Buffer.from(before ?? []).equals(after ?? Buffer.alloc(0));
    return {
        request: message,
        route: routeIn(after),
        response: (answer) =>
            same
                ? answer
                : Buffer.concat([
                      ...fieldsOf(answer)
                          .filter(({ number }) => number !== DIFF_RESPONSE.changes)
                          .map(({ raw }) => raw),
                      enumField(DIFF_RESPONSE.changes, DIFF_SOME),
                      field(DIFF_RESPONSE.diffs, Buffer.from(ROUTE_INPUT)),
                  ]),
    };
}

function configure(request: Uint8Array): Rewritten {
    const { variables, args } = CONFIGURE_REQUEST;
    const { message, values } = withoutProperty(request, [args], ROUTE_INPUT);
    return {
        request: withoutVariable(message, variables, `:${ROUTE_INPUT}`),
        route: routeIn(values.get(args)),
    };
}

/** The calls in which the engine hands the provider's own inputs over. Every other call is passed through unread. */
export const ROUTE_CALLS: ReadonlyMap<string, (request: Uint8Array) => Rewritten> = new Map([
    ["CheckConfig", checkConfig],
    ["DiffConfig", diffConfig],
    ["Configure", configure],
]);
