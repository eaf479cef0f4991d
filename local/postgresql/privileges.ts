/** The privileges of each object type (PostgreSQL manual, GRANT; the list of the real provider, which lacks MAINTAIN). */
export const PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
    database: ["ALL", "CREATE", "CONNECT", "TEMPORARY"],
    table: ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
    sequence: ["ALL", "USAGE", "SELECT", "UPDATE"],
    schema: ["ALL", "CREATE", "USAGE"],
    function: ["ALL", "EXECUTE"],
    procedure: ["ALL", "EXECUTE"],
    routine: ["ALL", "EXECUTE"],
    type: ["ALL", "USAGE"],
    foreign_data_wrapper: ["ALL", "USAGE"],
    foreign_server: ["ALL", "USAGE"],
    column: ["ALL", "SELECT", "INSERT", "UPDATE", "REFERENCES"],
};

/** The role name that means everybody. */
export const PUBLIC = "public";

/** One sentence about the first privilege that the object type does not have, or undefined. */
export function privilegeProblem(
    objectType: string,
    privileges: readonly string[],
): string | undefined {
    const allowed = PRIVILEGES[objectType] ?? [];
    const wrong = privileges.find((privilege) => !allowed.includes(privilege));
    return wrong === undefined
        ? undefined
        : `The input "privileges" has "${wrong}", which the provider does not know for object type ${objectType}; it knows ${allowed.join(", ")}.`;
}

/** Whether what is granted is what is wanted; ALL stands for every privilege of the object type. */
export function samePrivileges(
    objectType: string,
    wanted: readonly string[],
    granted: readonly string[],
): boolean {
    if (wanted.includes("ALL")) {
        // PostgreSQL 17 grants MAINTAIN with ALL, which the list does not have.
        return (PRIVILEGES[objectType] ?? [])
            .filter((privilege) => privilege !== "ALL")
            .every((privilege) => granted.includes(privilege));
    }
    const want = new Set(wanted);
    const have = new Set(granted);
    return want.size === have.size && [...want].every((privilege) => have.has(privilege));
}
