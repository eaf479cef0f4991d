import { accessCases } from "./access";
import { databaseCases } from "./databases";
import { dmsCases } from "./dmsConnections";
import { hostCases } from "./hosts";
import { knownSettingsCases } from "./knownSettings";
import type { ResourceCases } from "./resourceCases";
import { tableMappingCases } from "./tableMappings";
import { taskSettingsCases } from "./taskSettings";

/** One entry or more for every rule about single resources and each of its types; a test asserts that none is missing. */
export const resourceCases: readonly ResourceCases[] = [
    ...databaseCases,
    ...dmsCases,
    ...taskSettingsCases,
    ...knownSettingsCases,
    ...tableMappingCases,
    ...hostCases,
    ...accessCases,
];
