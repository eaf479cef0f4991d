import type { TableChoices } from "../trail/columnChoices";

/** What the config says that a source is judged by. */
export interface Wishes {
    readonly choices: readonly TableChoices[];
    /** Whether the trail puts guards on the tables. */
    readonly guards: boolean;
    /** Whether the program creates `public.items` where it is not there. */
    readonly demoTable: boolean;
    /** How many DMS tasks read the source; one where nothing is said. */
    readonly groups?: number;
}
