import { formatTableName } from "../../trail/names";
import { DEFAULT_GROUP, type TableGroup } from "../../trail/tableGroups";
import {
    type DeployedGroup,
    type GroupNews,
    groupNews,
    isElsewhere,
    type Places,
} from "./groupNews";

/** A group whose task this update makes, changes or leaves as it is. */
export interface PlannedGroup extends TableGroup {
    /** Whether its task gets tables, so that it has to wait until the others have let go of them. */
    readonly isLate: boolean;
    /** Whether the config no longer has it: its task stays for this update, with nothing but the markers. */
    readonly isGivenUp: boolean;
}

/** What an update does with the groups. */
export interface GroupPlan {
    /** In the order in which the tasks are changed. */
    readonly groups: readonly PlannedGroup[];
    /**
     * The same in an order that no update changes, for what the databases are told: the scripts of a second update would
     * differ from those of the first one otherwise, and run again.
     */
    readonly byName: readonly PlannedGroup[];
    /** Whether tables may have to be let into another group between the early and the late ones. */
    readonly mayMove: boolean;
    /** What a person reads of it. */
    readonly news: GroupNews;
}

/**
 * In which order the tasks of the groups are changed, and what that means for single tables. Two tasks must never write one
 * staging table, so that a task lets go of a table before another one gets it. A group that the config gives up keeps its
 * task for one more update: the engine deletes resources at the end of an update, and by then the others have its tables.
 *
 * @param wanted the groups of the config
 * @param deployed those of the stack's state, none before the first update
 * @throws Error in one sentence when a group gives a table to another one and gets one from another one
 */
export function planGroups(
    wanted: readonly TableGroup[],
    deployed: readonly DeployedGroup[],
): GroupPlan {
    const homes = homesOf(wanted);
    const places = homesOf(deployed);
    const givenUp = deployed.filter(
        ({ name, tables }) => tables.length > 0 && !wanted.some((group) => group.name === name),
    );
    const givers = new Set(
        deployed.flatMap(({ name, tables }) =>
            tables.some((table) => isElsewhere(homes, table, name)) ? [name] : [],
        ),
    );
    const planned = wanted.map((group) => {
        const fromOthers = group.tables.filter((table) => isElsewhere(places, table, group.name));
        const [first] = fromOthers;
        if (first !== undefined && givers.has(group.name)) {
            throw new Error(
                `The group ${group.name} would get ${formatTableName(first)} from another group and give a table to another one in the same update, and no task may get a table that another one still carries; change audit-trail:groups in two steps, with an update after each.`,
            );
        }
        const getsSome = group.tables.some(
            (table) => places.get(formatTableName(table)) !== group.name,
        );
        return { ...group, isLate: getsSome && !givers.has(group.name), isGivenUp: false };
    });
    const groups = [
        ...givenUp.map(({ name }) => ({ name, tables: [], isLate: false, isGivenUp: true })),
        ...planned.filter(({ isLate }) => !isLate),
        ...planned.filter(({ isLate }) => isLate),
    ];
    return {
        groups,
        byName: [...groups].sort((one, other) => compareNames(one.name, other.name)),
        mayMove: groups.some(({ name }) => name !== DEFAULT_GROUP),
        news: groupNews({ wanted, deployed, homes, places, givenUp }),
    };
}

/** The default group comes first, the others in the order of their letters. */
function compareNames(one: string, other: string): number {
    const rank = (name: string): string => `${name === DEFAULT_GROUP ? 0 : 1} ${name}`;
    return rank(one) < rank(other) ? -1 : 1;
}

/** The group of each table, by the table's name. */
function homesOf(groups: readonly TableGroup[]): Places {
    return new Map(
        groups.flatMap(({ name, tables }) =>
            tables.map((table) => [formatTableName(table), name] as const),
        ),
    );
}
