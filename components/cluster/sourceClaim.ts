import * as pulumi from "@pulumi/pulumi";
import { type Connection, isKnownConnection, withClient } from "../../database/connection";
import { type ClaimAnswer, claimProblems } from "../../trail/sourceClaim";

/** Arguments of {@link SourceClaim}. */
export interface SourceClaimArgs {
    readonly connection: pulumi.Input<pulumi.Unwrap<Connection>>;
    /** The text of sql/source/claim.sql. */
    readonly query: string;
    /** The roles and the schemas that the trail makes there. */
    readonly roles: readonly string[];
    readonly schemas: readonly string[];
}

interface SourceClaimInputs extends Omit<SourceClaimArgs, "connection"> {
    readonly connection: Connection;
}

/** Without the connection, which has the password. */
interface SourceClaimState {
    readonly host: string;
    readonly port: number;
    readonly databaseName: string;
    readonly version: string;
    readonly hasRdsRoles: boolean;
    readonly slotsBefore: readonly string[];
}

async function ask({ connection, query, roles, schemas }: SourceClaimInputs): Promise<ClaimAnswer> {
    return withClient(connection, async (client) => {
        const { rows } = await client.query<ClaimAnswer>(query, [roles, schemas]);
        const [answer] = rows;
        if (answer === undefined) {
            throw new Error(`The role "${connection.user}" is gone from ${connection.host}.`);
        }
        return answer;
    });
}

function stateOf(
    { connection }: SourceClaimInputs,
    answer: ClaimAnswer,
    slotsBefore: readonly string[],
): SourceClaimState {
    const { host, port, database: databaseName } = connection;
    return {
        host,
        port,
        databaseName,
        version: answer.version,
        hasRdsRoles: answer.has_rds_roles,
        slotsBefore,
    };
}

function placeOf(connection: Connection): string {
    return `database "${connection.database}" at ${connection.host}:${String(connection.port)}`;
}

/** What is done to a claim; apart from the resource, so that it can be asked without an engine. */
export const claimProvider: pulumi.dynamic.ResourceProvider<SourceClaimInputs, SourceClaimState> = {
    diff(_id, olds, { connection }) {
        const isSame =
            !isKnownConnection(connection) ||
            (olds.host === connection.host &&
                olds.port === connection.port &&
                olds.databaseName === connection.database);
        return Promise.resolve({ changes: !isSame });
    },
    async create(inputs) {
        const answer = await ask(inputs);
        const { connection } = inputs;
        const problems = claimProblems(answer, connection.user);
        if (problems.length > 0) {
            throw new Error(
                `The ${placeOf(connection)} cannot be the stack's source, and nothing was touched there: ${problems.join("; ")}.`,
            );
        }
        return { id: connection.database, outs: stateOf(inputs, answer, answer.slots) };
    },
    async update(_id, { slotsBefore }, inputs) {
        const answer = await ask(inputs);
        if (answer.roles.length === 0 || answer.schemas.length === 0) {
            throw new Error(
                `The config key audit-trail:source leads to ${placeOf(inputs.connection)}, which does not have this stack's trail, and a stack cannot move to another source; set the key back, or destroy the stack first.`,
            );
        }
        return { outs: stateOf(inputs, answer, slotsBefore) };
    },
    // No delete: what is undone there, and when, is said in sourceUndo.ts.
};

/**
 * Looks at a server that the stack did not make before anything is made there: what the login may do, and whether another
 * stack's trail is there. The names of the trail's roles and schemas are fixed, and roles are a server's, so that two stacks
 * would undo each other. Everything that works on the source waits for this.
 */
export class SourceClaim extends pulumi.dynamic.Resource {
    declare readonly host: pulumi.Output<string>;
    declare readonly port: pulumi.Output<number>;
    declare readonly version: pulumi.Output<string>;
    /** Whether the server has RDS's roles for replication. */
    declare readonly hasRdsRoles: pulumi.Output<boolean>;
    /** The replication slots that were there before the trail. */
    declare readonly slotsBefore: pulumi.Output<string[]>;

    constructor(name: string, args: SourceClaimArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs = { host: undefined, port: undefined, version: undefined };
        const props = { ...args, ...outputs, hasRdsRoles: undefined, slotsBefore: undefined };
        super(claimProvider, name, props, opts, "auditTrail", "SourceClaim");
    }
}
