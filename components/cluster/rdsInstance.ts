import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../database/connection";
import type { CaBundle } from "../dms/caBundle";
import type { Owner } from "../owner";
import { stackState } from "../stackState";
import { named } from "../tags";
import { rdsFamily } from "./engineVersion";
import { refuseMajorUpgrade } from "./majorUpgrade";
import {
    CERTIFICATE_AUTHORITY,
    deletionInputs,
    encryptedLog,
    masterAccess,
    type NewServer,
    type NewServerArgs,
    parameterGroupInputs,
    serverOwner,
    subnetGroup,
} from "./newServer";
import { Password } from "./password";

/** Arguments of {@link RdsInstance}. */
export interface RdsInstanceArgs extends NewServerArgs {
    /** In GB. */
    readonly allocatedStorage: number;
    /** How far RDS lets the storage grow by itself, in GB. */
    readonly maxAllocatedStorage: number;
}

/** A private, encrypted instance of RDS for PostgreSQL, and its master credentials as a secret. */
export class RdsInstance extends pulumi.ComponentResource implements NewServer {
    readonly engineVersion: string;
    readonly caBundle: CaBundle;
    readonly dmsEngineName = "postgres";
    /** The instance. */
    readonly owner: aws.rds.Instance;
    readonly arn: pulumi.Output<string>;
    readonly resourceId: pulumi.Output<string>;
    readonly host: pulumi.Output<string>;
    readonly port: pulumi.Output<number>;
    readonly masterSecretArn: pulumi.Output<string>;
    /** A command for people; the password is in the master secret. */
    readonly psql: pulumi.Output<string>;
    /** The way in as the master user; a secret. */
    readonly masterConnection: pulumi.Output<Connection>;

    /** @param name Also the instance's identifier in the account. */
    constructor(name: string, args: RdsInstanceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("auditTrail:index:RdsInstance", name, {}, opts);
        const owner = serverOwner(name, args, this);
        const password = new Password(`${name}-master-password`, args.passwordVersion, {
            parent: this,
        });
        const instance = rdsInstance(owner, args, password);
        const { address: host, port } = instance;
        const access = masterAccess(owner, args, { host, port, password });

        this.owner = instance;
        this.engineVersion = args.engineVersion;
        this.caBundle = args.caBundle;
        this.arn = instance.arn;
        this.resourceId = instance.resourceId;
        this.host = host;
        this.port = port;
        this.psql = access.psql;
        this.masterSecretArn = access.masterSecretArn;
        this.masterConnection = access.masterConnection;
        this.registerOutputs({
            arn: this.arn,
            host: this.host,
            port: this.port,
            masterSecretArn: this.masterSecretArn,
            psql: this.psql,
        });
    }
}

function parameterGroup(owner: Owner, args: RdsInstanceArgs): aws.rds.ParameterGroup {
    return new aws.rds.ParameterGroup(
        `${owner.name}-parameters`,
        { ...parameterGroupInputs(owner, args), family: rdsFamily(args.engineVersion) },
        owner.opts,
    );
}

function rdsInstance(owner: Owner, args: RdsInstanceArgs, password: Password): aws.rds.Instance {
    const { name, tags, opts } = owner;
    const inputs: aws.rds.InstanceArgs = {
        identifier: name,
        engine: "postgres",
        engineVersion: args.engineVersion,
        instanceClass: args.instanceClass,
        allocatedStorage: args.allocatedStorage,
        // A full disk stops the task, and then the source keeps the WAL.
        maxAllocatedStorage: args.maxAllocatedStorage,
        storageType: "gp3",
        storageEncrypted: true,
        kmsKeyId: args.kmsKeyArn,
        dbName: args.databaseName,
        username: args.masterUsername,
        password: pulumi.secret(password.value),
        iamDatabaseAuthenticationEnabled: args.iamAuthentication,
        dbSubnetGroupName: subnetGroup(owner, args).name,
        parameterGroupName: parameterGroup(owner, args).name,
        vpcSecurityGroupIds: [args.securityGroupId],
        multiAz: args.multiAz,
        publiclyAccessible: false,
        caCertIdentifier: CERTIFICATE_AUTHORITY,
        backupRetentionPeriod: args.backupRetentionDays,
        copyTagsToSnapshot: true,
        enabledCloudwatchLogsExports: ["postgresql"],
        // The version is the config's decision; an upgrade by AWS would make the next update try to go back.
        autoMinorVersionUpgrade: false,
        ...deletionInputs(name, args),
        applyImmediately: true,
        tags: named(name, tags),
    };
    const resourceName = `${name}-instance`;
    refuseMajorUpgrade(stackState(), resourceName, args.engineVersion);
    return new aws.rds.Instance(resourceName, inputs, {
        ...opts,
        ...args.guard.lastingOptionsFor(resourceName),
        dependsOn: encryptedLog(owner, args, "instance"),
    });
}
