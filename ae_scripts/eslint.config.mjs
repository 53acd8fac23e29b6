/** What ExtendScript parses wrongly or does not have, refused in every source of the panel. */
import { readFileSync, readdirSync } from "node:fs";
import { parse } from "acorn";

const folder = new URL("sources/", import.meta.url);
const HOST = [
    "$", "app", "system", "Folder", "File", "Socket", "Window", "Panel", "ScriptUI", "alert", "confirm", "prompt",
    "CompItem", "FolderItem", "FootageItem", "AVLayer", "TextLayer", "ShapeLayer", "CameraLayer", "LightLayer",
    "FileSource", "SolidSource", "ImportOptions", "ImportAsType", "AlphaMode", "FieldSeparationType", "PulldownPhase",
    "RQItemStatus", "GetSettingsFormat", "BlendingMode", "LayerQuality", "MaskMode", "TrackMatteType", "PREFType", "PANEL_VERSION",
];

/** Names that all sources share once they are one file. */
function sharedNames() {
    const names = [];
    for (const file of readdirSync(folder)) {
        const tree = parse(readFileSync(new URL(file, folder), "utf8"), { ecmaVersion: 3, sourceType: "script" });
        for (const node of tree.body) {
            if (node.type === "FunctionDeclaration") names.push(node.id.name);
            if (node.type === "VariableDeclaration") names.push(...node.declarations.map((made) => made.id.name));
        }
    }
    return names;
}

const ours = sharedNames();

export default [
    {
        files: ["**/*.jsx"],
        languageOptions: {
            ecmaVersion: 3,
            sourceType: "script",
            parserOptions: { ecmaFeatures: { jsx: false } },
            globals: Object.fromEntries([...HOST, ...ours].map((name) => [name, name === "shared" ? "writable" : "readonly"])),
        },
        rules: {
            "no-undef": "error",
            "no-nested-ternary": "error",
            "no-mixed-operators": [
                "error",
                { groups: [["&&", "||"], ["&", "|", "^", "<<", ">>"], ["==", "!=", "===", "!==", "<", ">"]], allowSamePrecedence: true },
            ],
            "no-extend-native": "error",
            "guard-for-in": "error",
            "no-redeclare": ["error", { builtinGlobals: false }],
            "no-unreachable": "error",
            "no-dupe-keys": "error",
            "no-cond-assign": "error",
            "no-eval": "error",
            "no-with": "error",
            "eqeqeq": "error",
            "max-lines-per-function": ["error", { max: 60 }],
            "no-restricted-properties": ["error", { object: "Date", property: "now", message: "ExtendScript has no Date.now." }],
            "no-restricted-syntax": [
                "error",
                { selector: "Literal[regex.pattern=/\\[[^\\]]*(\\/|\\\\\\\\)/]", message: "ExtendScript misreads slashes in a class." },
            ],
        },
    },
];
