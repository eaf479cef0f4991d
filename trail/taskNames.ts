import { DEFAULT_GROUP } from "./tableGroups";

/** The name of the resource of a group's task; that of the default one is the name which it has in a stack without groups. */
export function taskName(prefix: string, group: string): string {
    return group === DEFAULT_GROUP ? `${prefix}-task` : `${prefix}-task-${group}`;
}

/** The identifier by which DMS knows a group's task. */
export function taskIdentifier(prefix: string, group: string): string {
    return group === DEFAULT_GROUP ? prefix : taskName(prefix, group);
}

/** The group of the task with such a {@link taskName}; undefined where it is none. */
export function groupOfName(name: string, prefix: string): string | undefined {
    const own = taskName(prefix, DEFAULT_GROUP);
    if (name === own) {
        return DEFAULT_GROUP;
    }
    return name.startsWith(`${own}-`) ? name.slice(own.length + 1) : undefined;
}

/** The group of the task with such a {@link taskIdentifier}. */
export function groupOfIdentifier(identifier: string, prefix: string): string {
    return groupOfName(identifier, prefix) ?? DEFAULT_GROUP;
}
