import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { formattedPage, generatedPages } from "./docsPage";

async function main(): Promise<void> {
    for (const page of generatedPages) {
        await mkdir(dirname(page.file), { recursive: true });
        await writeFile(page.file, await formattedPage(page));
    }
}

void main();
