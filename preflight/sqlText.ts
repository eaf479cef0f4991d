/** A name as SQL takes it, whatever is in it: these statements are printed for people and run by nobody here. */
export function identifier(name: string): string {
    return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL takes it. */
export function literal(text: string): string {
    return `'${text.replaceAll("'", "''")}'`;
}
