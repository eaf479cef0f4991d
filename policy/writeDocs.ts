import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { formattedPage, PAGE } from "./docsPage";

async function main(): Promise<void> {
    await mkdir(dirname(PAGE), { recursive: true });
    await writeFile(PAGE, await formattedPage());
}

void main();
