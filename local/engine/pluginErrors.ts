import path from "node:path";

/** What a person can do about a failed statement, by SQLSTATE (PostgreSQL manual, appendix A). */
const REMEDIES: Readonly<Record<string, string>> = {
    "28P01": "correct the user name and the password that the provider connects with",
    "3D000": "create the database first",
    "42704": "create it first",
    "3F000": "create it first",
    "42P01": "create it first",
    "42703": "create it first",
    "42883": "create it first",
    "42501":
        "let the provider's user own the object, or be a member of its owner, or have ADMIN OPTION on the role",
    "42710": "adopt it with pulumi import, or remove it from the server",
    "42P06": "adopt it with pulumi import, or remove it from the server",
    "42723": "adopt it with pulumi import, or remove it from the server",
    "2BP01": "remove what depends on it first",
    "55006": "end the sessions that use it and run the command again",
    "57P03": "wait until the server is up and run the command again",
    "53300": "end sessions, or raise the server's max_connections, and run the command again",
    "0LP01": "break the circle of memberships between the two roles",
};

/** The plugin's own words for what it cannot do, each with what they mean. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
    [
        /could not check if role (.+) is superuser: sql: no rows in result set/,
        'role "$1" does not exist; create it first',
    ],
    [
        /error reading statement_timeout: strconv\.Atoi: parsing "(.+)": invalid syntax/,
        'the time-out "$1" of a role has a unit, with which the plugin cannot read it; write it in milliseconds, with ALTER ROLE ... SET, for statement_timeout and idle_in_transaction_session_timeout',
    ],
    [
        /function ID (.+) has not the expected format '.*'/,
        "the plugin made the function $1 but cannot find a function whose name has a dot; drop it and choose another name",
    ],
    [
        /expected non-nil error with nil state during Create of .*/,
        "the plugin made it but cannot find it again, as with a parenthesis in its name; drop it and choose another name",
    ],
    [
        /connect: connection refused/,
        "connection refused; start the server and run the command again",
    ],
    [/: no such host/, ": no such host; correct the host that the provider connects to"],
    [/i\/o timeout/, "no answer in time; start the server and run the command again"],
];

/** What a plugin that is made from a Terraform provider adds around an error, in its log and in its answer. */
const LOGGED =
    /^sdk-v2\/provider2\.go:\d+: (?:sdk\.helper_schema: )?(.*):[^:]*\sprovider=\S+@[\d.]+\s*$/s;
const ACTION =
    /^(?:creating|updating|deleting|refreshing|diffing) urn:.*?: (?=\d+ errors? occurred)/s;
const LIST = /^\d+ errors? occurred:\s*((?:\s*\* [^\n]*)+)\s*$/;
const SQLSTATE = /(?:^|(?<=: ))pq: (.*?)(?: at (?:column|position) [\d:]+)? \(([0-9A-Z]{5})\)/s;

function withRemedy(problem: string): string {
    const state = SQLSTATE.exec(problem);
    if (state !== null) {
        const [whole, message = "", code = ""] = state;
        const remedy = REMEDIES[code];
        return problem.replace(whole, () => message) + (remedy === undefined ? "" : `; ${remedy}`);
    }
    const phrase = PHRASES.find(([pattern]) => pattern.test(problem));
    return phrase === undefined ? problem : problem.replace(phrase[0], phrase[1]);
}

/**
 * A plugin's error as one sentence without its end, with the way out where one is known; undefined when the text is not
 * of a plugin that is made from a Terraform provider, as those of AWS and of PostgreSQL are. Such a plugin tells an error
 * twice, in its log and in its answer: both give the same sentence.
 */
export function pluginProblem(text: string): string | undefined {
    const [, logged] = LOGGED.exec(text) ?? [];
    const [, list] = LIST.exec(text.replace(ACTION, "")) ?? [];
    const problems =
        logged !== undefined
            ? [logged]
            : list !== undefined
              ? list.split(/^\s*\* /m).map((item) => item.trim())
              : /^expected non-nil error/.test(text)
                ? [text]
                : undefined;
    return problems
        ?.filter((problem) => problem !== "")
        .map(withRemedy)
        .join("; ");
}

/** The engine's words when the disk is full, as a sentence that names the folder; undefined for other words. */
export function spaceProblem(text: string): string | undefined {
    const [, file] =
        /: \w+ (\/[^\n]*?): (?:no space left on device|disk quota exceeded)/.exec(text) ?? [];
    return file === undefined
        ? undefined
        : `There is no space left in ${path.dirname(file)}; free some and run the command again.`;
}
