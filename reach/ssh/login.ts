import { readFileSync } from "node:fs";
import { utils } from "ssh2";
import { messageOf } from "../../text/errors";
import { ReachError } from "../reachError";

/** Names the file of the private key. A variable and no setting: the file is elsewhere on each machine. */
const KEY_VARIABLE = "AUDIT_TRAIL_SSH_KEY";

/** How this machine logs in: one of both. */
export interface Login {
    readonly agent?: string;
    readonly privateKey?: Buffer;
    /** What was tried, for messages. */
    readonly what: string;
}

function keyFile(file: string): Login {
    let privateKey: Buffer;
    try {
        privateKey = readFileSync(file);
    } catch (cause) {
        throw new ReachError(
            `The private key ${file} that ${KEY_VARIABLE} names cannot be read (${messageOf(cause)}); name the file of the key pair's private key, or unset the variable to use the SSH agent.`,
            "EROUTEREFUSED",
            { cause },
        );
    }
    const parsed = utils.parseKey(privateKey);
    if (parsed instanceof Error) {
        const isLocked = /passphrase|encrypted/i.test(parsed.message);
        throw new ReachError(
            isLocked
                ? `The private key ${file} that ${KEY_VARIABLE} names has a passphrase, and nobody is asked for one here; add it to the SSH agent with "ssh-add ${file}" and unset the variable.`
                : `The file ${file} that ${KEY_VARIABLE} names is not a private key; name the file of the key pair's private key.`,
            "EROUTEREFUSED",
            { cause: parsed },
        );
    }
    return { privateKey, what: `the key in ${file}` };
}

/**
 * The key of this machine: the file that a variable names, or else whatever the SSH agent holds.
 * @throws ReachError where there is neither
 */
export function findLogin(environment: NodeJS.ProcessEnv): Login {
    const { [KEY_VARIABLE]: file = "", SSH_AUTH_SOCK: agent = "" } = environment;
    if (file !== "") {
        return keyFile(file);
    }
    if (agent === "") {
        throw new ReachError(
            `There is no SSH agent and no key to log in to the psql host with; add the key pair's private key to an agent (ssh-add), or name its file in ${KEY_VARIABLE}.`,
            "EROUTEREFUSED",
        );
    }
    return { agent, what: "the keys of the SSH agent" };
}
