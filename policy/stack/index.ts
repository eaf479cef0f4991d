import type { StackRule } from "../engine/rule";
import { bucketPairRules } from "./buckets";
import { databasePairRules } from "./databases";
import { endpointPairRules } from "./endpoints";
import { ingressRules } from "./ingress";
import { kmsKeyRules } from "./kmsKeys";
import { secretReaderRules } from "./secretReaders";
import { subnetRules } from "./subnets";
import { taskPairRules } from "./tasks";
import { typeRules } from "./types";

/** The rules about how the resources of a stack belong together. */
export const stackRules: readonly StackRule[] = [
    ...endpointPairRules,
    ...ingressRules,
    ...taskPairRules,
    ...databasePairRules,
    ...kmsKeyRules,
    ...secretReaderRules,
    ...subnetRules,
    ...bucketPairRules,
    ...typeRules,
];
