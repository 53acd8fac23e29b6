/** JSON, UTF-8 and names: data stays data, whatever it holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inside } from "./stage.mjs";
import { example } from "./host/service.mjs";

const VALUES = [
    null, true, false, 0, -0.5, 1e21, 1.5e-7, Number.MAX_SAFE_INTEGER, "", "plain", "\u00e9\u4e2d\u2028\u2029", "\ud83c\udfac", "\ud800 alone",
    "quote\" back\\slash / \b\f\n\r\t\u0000\u001f\u007f", [], {}, [[], [{}]], { "a b": [1, { c: null }], "": 1, toString: 2, "constructor": 3 },
];

test("what is written is read back, by us and by everybody else", (t) => {
    const { run, set } = inside(t);
    for (const value of VALUES) {
        set("given", JSON.stringify(value));
        const ours = run("jsonStringify(jsonParse(given))");
        assert.deepEqual(JSON.parse(ours), value);
        assert.match(ours, /^[\x20-\x7e]*$/);
        set("ours", ours);
        assert.equal(run("jsonStringify(jsonParse(ours))"), ours);
    }
});

test("the committed examples of job, status and manifest go through unchanged", (t) => {
    const { run, set } = inside(t);
    for (const name of ["job", "status", "manifest"]) {
        set("given", JSON.stringify(example(name)));
        assert.deepEqual(JSON.parse(run("jsonStringify(jsonParse(given))")), example(name));
    }
});

test("malformed text is an error and never run", (t) => {
    const { run, set } = inside(t);
    const bad = [
        "", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "NaN", "undefined", "tru", "\"\\x41\"", "\"\\u12g4\"", "\"open", "\"tab\t\"",
        "[1] 2", "alert(1)", "(function(){hit=1})()", "{\"a\":hit=1}", "\u00a01",
    ];
    for (const text of bad) {
        set("given", text);
        set("hit", 0);
        assert.throws(() => run("jsonParse(given)"), /not JSON/, text);
        assert.equal(run("hit"), 0);
    }
    set("given", "[".repeat(5000));
    assert.throws(() => run("jsonParse(given)"), /not JSON/);
    assert.throws(() => run("var loop = []; loop.push(loop); jsonStringify(loop)"), /too deeply/);
});

test("NaN and functions never reach a file", (t) => {
    const { run } = inside(t);
    assert.equal(run("jsonStringify({ a: NaN, b: Infinity, c: function () {}, d: undefined, e: [undefined] })"), "{\"a\":null,\"b\":null,\"e\":[null]}");
});

test("text becomes UTF-8 and back; damage becomes U+FFFD", (t) => {
    const { run, set } = inside(t);
    for (const text of ["abc", "\u00e9\u00df", "\u4e2d\u6587", "\ud83c\udfac!", "\u0000\u007f\u0080\u07ff\u0800\uffff"]) {
        set("given", text);
        const bytes = Buffer.from(text, "utf8").toString("latin1");
        assert.equal(run("utf8Encode(given)"), bytes);
        assert.equal(run("utf8Decode(utf8Encode(given))"), text);
    }
    set("given", "\ud800a");
    assert.equal(run("utf8Encode(given)"), Buffer.from("\ufffda", "utf8").toString("latin1"));
    set("given", "a\xc3(\xff\xe4\xb8");
    assert.equal(run("utf8Decode(given)"), "a\ufffd(\ufffd\ufffd");
});

test("names for files and frames", (t) => {
    const { run } = inside(t);
    assert.equal(run("safeFileName('sh 010/gr\\u00fcn #2%')"), "sh_010_gr_n_2_");
    assert.equal(run("safeFileName('***')"), "shot");
    assert.equal(run("frameName('a#1_key.####.exr', 7)"), "a#1_key.0007.exr");
    assert.equal(run("frameName('a.#.exr', 1001)"), "a.1001.exr");
    assert.equal(run("resolvedPath('/a/b/c', '../d/./e')"), "/a/b/d/e");
    assert.equal(run("resolvedPath('S:\\\\a\\\\b', '..\\\\c')"), "S:\\c".replace("S:\\", "S:\\a\\"));
    assert.equal(run("resolvedPath('\\\\\\\\server\\\\share\\\\a', 'v001/manifest.json')"), "\\\\server\\share\\a\\v001\\manifest.json");
    assert.equal(run("resolvedPath('/a', '/b/c')"), "/b/c");
});
