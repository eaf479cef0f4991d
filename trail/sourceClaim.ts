/** A row of sql/source/claim.sql. */
export interface ClaimAnswer {
    readonly version: string;
    readonly is_standby: boolean;
    readonly has_rds_roles: boolean;
    readonly may_create_roles: boolean;
    readonly may_give_replication: boolean;
    readonly may_create_schemas: boolean;
    readonly slots: readonly string[];
    /** The trail's roles and schemas that are there. */
    readonly roles: readonly string[];
    readonly schemas: readonly string[];
}

/** Why a server cannot be a stack's source, all reasons at once, each with what mends it and without a full stop. */
export function claimProblems(answer: ClaimAnswer, user: string): string[] {
    const taken = [
        ...answer.roles.map((role) => `the role ${role}`),
        ...answer.schemas.map((schema) => `the schema ${schema}`),
    ];
    return [
        ...(answer.is_standby
            ? ["it is a standby, in which nothing can be created: name its primary"]
            : []),
        ...(taken.length > 0
            ? [
                  `it has ${taken.join(" and ")}, which the trail of one stack makes and takes away again: destroy the stack that audits this server, or drop what an older one has left`,
              ]
            : []),
        ...(answer.may_create_roles
            ? []
            : [`"${user}" may not create roles: run ALTER ROLE "${user}" CREATEROLE`]),
        ...(answer.may_create_schemas
            ? []
            : [
                  `"${user}" may not create schemas in the database: grant it CREATE on the database`,
              ]),
        ...(answer.has_rds_roles || answer.may_give_replication
            ? []
            : [
                  `"${user}" may not give DMS's user the right to replicate: run ALTER ROLE "${user}" REPLICATION as a superuser`,
              ]),
    ];
}
