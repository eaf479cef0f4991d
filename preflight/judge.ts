import { activityFindings } from "./activityChecks";
import type { Finding } from "./finding";
import { loginFindings } from "./loginChecks";
import { capacityFindings, serverFindings } from "./serverChecks";
import type { SourceFacts } from "./sourceFacts";
import { tableFindings } from "./tableChecks";
import type { Wishes } from "./wishes";

/** Everything that the facts say against a deployment, or that somebody should know before it. */
export function judge(facts: SourceFacts, wishes: Wishes): Finding[] {
    return [
        ...serverFindings(facts.server),
        ...capacityFindings(facts.server, facts.activity, wishes.groups),
        ...loginFindings(facts),
        ...activityFindings(facts.server, facts.activity),
        ...tableFindings(facts, wishes),
    ];
}
