/** Parses every file that is named as ES3, reserved words forbidden as property names; prints what is not. */
import { readFileSync } from "node:fs";
import { parse } from "acorn";

let failed = false;
for (const file of process.argv.slice(2)) {
    try {
        parse(readFileSync(file, "utf8"), { ecmaVersion: 3, allowReserved: "never", sourceType: "script" });
    } catch (error) {
        failed = true;
        console.log(`${file}: ${error.message}`);
    }
}
process.exitCode = failed ? 1 : 0;
