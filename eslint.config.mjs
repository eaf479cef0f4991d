import eslint from "@eslint/js";
import simpleImportSort from "eslint-plugin-simple-import-sort";
import unicorn from "eslint-plugin-unicorn";
import tseslint from "typescript-eslint";

/** Node's own modules are imported in one way each, so that a name means the same in every file. */
const IMPORT_STYLES = {
    "node:child_process": { named: true },
    "node:crypto": { named: true },
    "node:fs": { named: true },
    "node:fs/promises": { named: true },
    "node:os": { named: true },
    "node:path": { default: true },
    "node:util": { named: true },
};

export default tseslint.config(
    { ignores: ["node_modules/", ".local*/", "coverage/"] },
    eslint.configs.recommended,
    {
        files: ["**/*.cjs"],
        languageOptions: {
            globals: {
                __dirname: "readonly",
                module: "readonly",
                process: "readonly",
                require: "readonly",
                setInterval: "readonly",
            },
        },
    },
    {
        files: ["**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked],
        plugins: { "simple-import-sort": simpleImportSort, unicorn },
        languageOptions: {
            parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
        },
        rules: {
            curly: "error",
            "no-duplicate-imports": "error",
            "no-restricted-syntax": [
                "error",
                {
                    selector: "CallExpression[callee.name='assert']",
                    message: "Write assert.ok(...), as the other tests do.",
                },
                {
                    // policy/typeScript.cjs reaches what require() loads, and import() only with a thread of its own.
                    selector: "ImportExpression[source.value=/^\\./]",
                    message: "Load a file of the project with createRequire(__filename).",
                },
            ],
            // One block without blank lines: Node, packages, files of other folders, files beside this one.
            "simple-import-sort/imports": [
                "error",
                { groups: [["^\\u0000", "^node:", "^@?\\w", "^\\.\\.", "^\\."]] },
            ],
            "unicorn/filename-case": ["error", { case: "camelCase" }],
            "unicorn/import-style": [
                "error",
                { styles: IMPORT_STYLES, extendDefaultStyles: false },
            ],
            "unicorn/prefer-node-protocol": "error",
            "@typescript-eslint/consistent-type-imports": [
                "error",
                { fixStyle: "inline-type-imports" },
            ],
            "@typescript-eslint/no-import-type-side-effects": "error",
            "@typescript-eslint/naming-convention": [
                "error",
                {
                    selector: "variable",
                    modifiers: ["const", "global"],
                    types: ["boolean", "number", "string"],
                    format: ["UPPER_CASE"],
                },
            ],
            "@typescript-eslint/no-explicit-any": "error",
            "@typescript-eslint/no-non-null-assertion": "error",
            "@typescript-eslint/restrict-template-expressions": [
                "error",
                { allowNumber: true, allowBoolean: true },
            ],
            // Modules that a dynamic provider's serialised functions use have to be bound as they are (import x = require).
            "@typescript-eslint/no-require-imports": ["error", { allowAsImport: true }],
        },
    },
    {
        // A component's constructor registers its resources; it is often called for that effect alone.
        files: [
            "index.ts",
            "components/**/*.ts",
            "policy/**/*.ts",
            "test/**/*.ts",
            "local/**/*.ts",
        ],
        rules: { "no-new": "off", "@typescript-eslint/no-extraneous-class": "off" },
    },
    {
        // A constructor reads like a table of contents: a function with a name makes each part.
        files: ["index.ts", "main.ts", "components/**/*.ts"],
        rules: {
            "max-lines-per-function": [
                "error",
                { max: 40, skipBlankLines: true, skipComments: true },
            ],
        },
    },
    {
        // What the program exports are a stack's outputs, whose names users read.
        files: ["index.ts"],
        rules: { "@typescript-eslint/naming-convention": "off" },
    },
);
