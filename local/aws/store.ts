import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Props } from "../provider";
import { namesIn, readIfExists } from "../servers/files";

const MAX_NAME = 150;

/** What is kept about one resource, in a file of its own. */
export interface ResourceRecord {
    readonly type: string;
    readonly id: string;
    readonly urn: string;
    /** The inputs, without those that AWS never tells again. */
    readonly inputs: Props;
    /** What AWS adds: ARNs, endpoints and the like. */
    readonly computed: Props;
}

/** The recorded resources of one stack: `aws/<type>/<id>.json`, readable by their owner only. */
export class Store {
    private readonly folder: string;

    constructor(stackDir: string) {
        this.folder = path.join(stackDir, "aws");
    }

    async get(type: string, id: string): Promise<ResourceRecord | undefined> {
        return await readRecord(this.file(type, id));
    }

    async list(type: string): Promise<ResourceRecord[]> {
        const folder = this.typeFolder(type);
        const files = (await namesIn(folder)).filter((name) => name.endsWith(".json"));
        const records = await Promise.all(
            files.map(async (name) => await readRecord(path.join(folder, name))),
        );
        // The engine works on several resources at once: one that was listed may be gone when it is read.
        return records.filter((record) => record !== undefined);
    }

    /** The first resource of a type whose property, given or computed, has a value. */
    async findBy(
        type: string,
        property: string,
        value: unknown,
    ): Promise<ResourceRecord | undefined> {
        const all = await this.list(type);
        return all.find(
            ({ inputs, computed }) => (computed[property] ?? inputs[property]) === value,
        );
    }

    async put(record: ResourceRecord): Promise<void> {
        const file = this.file(record.type, record.id);
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        // Another process must never read half a record.
        await writeFile(`${file}.new`, `${JSON.stringify(record, undefined, 2)}\n`, {
            mode: 0o600,
        });
        await rename(`${file}.new`, file);
    }

    async remove(type: string, id: string): Promise<void> {
        await rm(this.file(type, id), { force: true });
    }

    private typeFolder(type: string): string {
        return path.join(this.folder, type.replace(/^aws:/, "").replace(/[^A-Za-z0-9]+/g, "-"));
    }

    private file(type: string, id: string): string {
        return path.join(this.typeFolder(type), `${fileName(id)}.json`);
    }
}

/** Ids hold characters that file names must not, and some are longer than file names may be. */
function fileName(id: string): string {
    const encoded = encodeURIComponent(id);
    if (encoded.length <= MAX_NAME) {
        return encoded;
    }
    const digest = createHash("sha256").update(id).digest("hex").slice(0, 16);
    return `${encoded.slice(0, MAX_NAME)}-${digest}`;
}

async function readRecord(file: string): Promise<ResourceRecord | undefined> {
    const text = await readIfExists(file);
    return text === undefined ? undefined : (JSON.parse(text) as ResourceRecord);
}
