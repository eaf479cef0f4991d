import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import type { Props } from "../provider";

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
        const file = this.file(type, id);
        if (!existsSync(file)) {
            return undefined;
        }
        return JSON.parse(await readFile(file, "utf8")) as ResourceRecord;
    }

    async list(type: string): Promise<ResourceRecord[]> {
        const folder = this.typeFolder(type);
        if (!existsSync(folder)) {
            return [];
        }
        const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
        return await Promise.all(
            files.map(
                async (name) =>
                    JSON.parse(await readFile(path.join(folder, name), "utf8")) as ResourceRecord,
            ),
        );
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
        return path.join(this.typeFolder(type), `${encodeURIComponent(id)}.json`);
    }
}
