import { PolicyPack } from "@pulumi/policy";
import { toPolicy } from "./engine/pulumiPolicy";
import { rules } from "./registry";

new PolicyPack("audit-trail", {
    displayName: "Audit trail",
    description: "Refuses every setting that would make the audit trail lie, leak or stop.",
    enforcementLevel: "mandatory",
    policies: rules.map(toPolicy),
});
