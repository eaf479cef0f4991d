import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { formattedText, generatedFiles } from "./generatedFiles";

/** `npm run docs`: writes every generated file. */
async function main(): Promise<void> {
    for (const generated of generatedFiles) {
        await mkdir(path.dirname(generated.file), { recursive: true });
        await writeFile(generated.file, await formattedText(generated));
    }
}

void main();
