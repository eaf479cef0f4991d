import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

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
        languageOptions: {
            parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
        },
        rules: {
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
);
