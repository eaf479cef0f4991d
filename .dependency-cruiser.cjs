// The arrows between the folders; docs/architecture.md says what each folder is. `npm run structure` checks them.
"use strict";

/** Every folder of code. A new one needs a line here and in docs/architecture.md. */
const FOLDERS = [
    "bench",
    "commands",
    "components",
    "config",
    "database",
    "docs",
    "local",
    "plugins",
    "policy",
    "preflight",
    "reach",
    "test",
    "testing",
    "text",
    "trail",
    "verify",
];

/** What each folder may import beside itself and packages. */
const MAY_IMPORT = {
    text: [],
    reach: ["text"],
    database: ["reach", "text"],
    trail: ["database", "text"],
    // A key's value is judged by what the components plan with it: networks, engine versions.
    config: [
        "trail",
        "text",
        "components/network/cidr",
        "components/cluster/engineVersion",
        "components/cluster/existingSource",
        "components/cluster/makeServer",
    ],
    components: ["preflight/gate", "trail", "database", "reach", "text"],
    verify: ["config/listParsers", "trail", "database", "text"],
    // Between the engine and a vendor's plugin; it knows nothing of what the program makes.
    plugins: ["policy/typeScript", "reach", "text"],
    policy: [],
    // The writer of the pages that are made from the program.
    docs: ["commands/sql", "config", "policy"],
    // The stand-in of DMS reads the tables of DMS's settings; the engine preloads what the program will need.
    local: [
        "trail",
        "database",
        "reach",
        "text",
        "policy/dms",
        "policy/engine/setting",
        "policy/lateInstaller",
        "policy/typeScript",
        "components/database/auditDatabase",
        "components/database/sourceDatabase",
        "components/dms/dmsReplication",
        "config/config",
    ],
    preflight: ["trail", "database", "text"],
    commands: [
        "local",
        "policy/lateInstaller",
        "policy/typeScript",
        "config/config",
        "config/keys",
        "preflight",
        "verify",
        "trail",
        "database",
        "reach",
        "text",
    ],
    testing: ["local", "components", "config", "verify", "trail", "database", "reach", "text"],
    bench: [
        "testing",
        "commands/shared",
        "local",
        "components",
        "verify",
        "trail",
        "database",
        "text",
    ],
    test: FOLDERS.filter((folder) => folder !== "test"),
};

/** A path from the root as a pattern: a folder, or a file without its extension. */
const pattern = (place) => `^${place}(/|[.]c?[jt]s$)`;

const arrows = Object.entries(MAY_IMPORT).map(([folder, others]) => ({
    name: `${folder}-imports`,
    comment: `${folder}/ may import ${["itself", ...others].join(", ")}.`,
    severity: "error",
    from: { path: `^${folder}/` },
    to: {
        path: FOLDERS.map((other) => pattern(other)),
        pathNot: [folder, ...others].map((other) => pattern(other)),
    },
}));

module.exports = {
    forbidden: [
        ...arrows,
        {
            name: "no-circle",
            comment: "Files that import each other cannot be read, tested or moved one by one.",
            severity: "error",
            from: {},
            to: { circular: true },
        },
        {
            name: "no-orphan",
            comment: "A file that nobody imports and that is no program is dead.",
            severity: "error",
            from: {
                orphan: true,
                pathNot: ["[.]spec[.]ts$", "^[.]dependency-cruiser[.]cjs$"],
            },
            to: {},
        },
        {
            name: "program-on-top",
            comment:
                "main.ts runs index.ts, the program; only the laptop's program and tests run these.",
            severity: "error",
            from: { pathNot: ["^main[.]ts$", "^local/index[.]ts$", "^test/"] },
            to: { path: "^(index|main)[.]ts$" },
        },
        {
            name: "local-provider",
            comment: "The protocol of the stand-in providers knows no provider.",
            severity: "error",
            from: { path: "^local/provider/" },
            to: { path: "^local/(?!provider/)" },
        },
        {
            name: "local-servers",
            comment: "The laptop's servers know nothing of who uses them.",
            severity: "error",
            from: { path: "^local/servers/" },
            to: { path: "^local/(aws|dms|postgresql|provider)/" },
        },
        {
            name: "local-dms",
            comment: "The stand-in of DMS knows no other stand-in.",
            severity: "error",
            from: { path: "^local/dms/" },
            to: { path: "^local/(aws|engine|postgresql|provider|servers)/" },
        },
        {
            name: "local-stand-ins",
            comment: "The stand-in providers do not know each other.",
            severity: "error",
            from: { path: "^local/(aws|postgresql)/" },
            to: { path: "^local/(aws|postgresql)/", pathNot: "^local/$1/" },
        },
        {
            name: "policy-engine",
            comment: "The engine of the pack knows no rule.",
            severity: "error",
            from: { path: "^policy/engine/" },
            to: { path: "^policy/(?!engine/)" },
        },
        {
            name: "packages-named",
            comment:
                "package.json names what is imported; what only tests, benchmarks and the laptop need is a devDependency.",
            severity: "error",
            from: {},
            to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "unknown", "undetermined"] },
        },
        {
            name: "no-test-packages",
            comment: "What a stack on AWS runs has to work after npm ci --omit=dev.",
            severity: "error",
            from: {
                path: "^(index[.]ts|(commands|components|config|database|plugins|policy|preflight|reach|text|trail|verify)/)",
            },
            to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
        },
    ],
    options: {
        doNotFollow: { path: "node_modules" },
        exclude: { path: "^([.]local|coverage)" },
        // Types count: a file that needs another's types cannot be read without it.
        tsPreCompilationDeps: true,
        tsConfig: { fileName: "tsconfig.json" },
        combinedDependencies: true,
        enhancedResolveOptions: {
            exportsFields: ["exports"],
            conditionNames: ["import", "require", "node", "default", "types"],
            mainFields: ["main", "types"],
        },
    },
};
