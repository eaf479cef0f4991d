import { AuroraCluster } from "./auroraCluster";
import type { NewServer, NewServerArgs, WhenDestroyed } from "./newServer";
import { RdsInstance } from "./rdsInstance";
import type { ServerParameter } from "./serverParameters";

/** What the config says of a server; what it leaves out has the value that all servers have. */
export interface ServerWish {
    readonly kind: keyof typeof KINDS;
    readonly engineVersion?: string | undefined;
    readonly instanceClass?: string | undefined;
    /** Aurora capacity units, of a serverless cluster only. */
    readonly serverless: { readonly minCapacity: number; readonly maxCapacity: number } | undefined;
    readonly multiAz?: boolean | undefined;
    /** In GB, of an instance of RDS only; Aurora's storage has no size. */
    readonly allocatedStorage: number;
    readonly maxAllocatedStorage: number;
    /** What is left of it when it is destroyed. */
    readonly whenDestroyed: WhenDestroyed;
}

/** What every server of the stack is made with, where the config says nothing else of one. */
export type UsualServer = Omit<NewServerArgs, "whenDestroyed" | "parameters">;

type Maker = (name: string, args: NewServerArgs & ServerWish) => NewServer;

/** Every kind of server that the stack can make, under its word in the config. */
const KINDS = {
    aurora: (name, args) => new AuroraCluster(name, args),
    rds: (name, args) => new RdsInstance(name, args),
} satisfies Readonly<Record<string, Maker>>;

/** Makes the server that the config asks for, on top of what all servers have. */
export function makeServer(
    name: string,
    wish: ServerWish,
    parameters: readonly ServerParameter[],
    usual: UsualServer,
): NewServer {
    return KINDS[wish.kind](name, {
        ...usual,
        ...wish,
        parameters,
        engineVersion: wish.engineVersion ?? usual.engineVersion,
        instanceClass: wish.instanceClass ?? usual.instanceClass,
        multiAz: wish.multiAz ?? usual.multiAz,
    });
}
