import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { formattedPage, generatedPages } from "./docsPage";

async function main(): Promise<void> {
    for (const page of generatedPages) {
        await mkdir(path.dirname(page.file), { recursive: true });
        await writeFile(page.file, await formattedPage(page));
    }
}

void main();
