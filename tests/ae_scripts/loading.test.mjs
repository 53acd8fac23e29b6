/** Loading: nothing happens before the artist acts; several panels live beside each other and beside other scripts. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { BUNDLE, roundTrip, send, stage } from "./stage.mjs";

test("the realm has nothing that ExtendScript lacks", (t) => {
    const { host } = stage(t, { load: false });
    const missing = [
        "JSON.parse('1')", "[].indexOf(1)", "[].forEach(f)", "[].map(f)", "Array.isArray([])", "' '.trim()", "Object.keys({})",
        "Object.create(null)", "f.bind(1)", "new Date().toISOString()", "Date.now()", "setTimeout(f, 1)", "console.log(1)",
        "new Map()", "new Set()", "Promise.resolve()", "'a'.padStart(2)", "'ab'.includes('a')", "Number.isInteger(1)", "globalThis.x", "Math.trunc(1)",
    ];
    for (const code of missing) assert.throws(() => host.evaluate(`var f = function () {}; ${code}`), undefined, code);
    assert.equal(host.evaluate("[3, 1, 2].sort().concat([4]).join('') + 'x'.charAt(0) + Math.max(1, 2)"), "1234x2");
});

for (const docked of [true, false]) {
    test(`loading ${docked ? "docked" : "as a palette"} starts no task, alert, network, write or command`, (t) => {
        const { host } = stage(t, { load: false });
        const panel = host.load(BUNDLE, { docked });
        assert.equal(panel.children.length > 5, true);
        assert.deepEqual([host.tasks.size, host.alerts, host.network.opened, host.writes, host.commands, host.systemCalls], [0, [], [], [], [], []]);
        assert.equal(host.windows.length, docked ? 0 : 1);
        assert.equal(host.windows[0]?.type ?? "palette", "palette");
        assert.equal(host.undoSteps.length, 0);
    });
}

test("an unusable memory is not touched while loading, and kept aside at the first write", (t) => {
    const { host } = stage(t, { load: false });
    fs.mkdirSync(`${host.folders.userData}/DropKey`);
    fs.writeFileSync(`${host.folders.userData}/DropKey/panel.json`, "{ half");
    const panel = host.load(BUNDLE);
    assert.deepEqual(fs.readdirSync(`${host.folders.userData}/DropKey`), ["panel.json"]);
    host.press(panel, "Key selected layers");
    const names = fs.readdirSync(`${host.folders.userData}/DropKey`).sort();
    assert.equal(names.length, 2);
    assert.match(names[1], /^panel\.json\.unusable-/);
    assert.equal(fs.readFileSync(`${host.folders.userData}/DropKey/${names[1]}`, "utf8"), "{ half");
});

test("one global key is added, and no built-in is changed", (t) => {
    const { host } = stage(t, { load: false });
    const before = host.evaluate("var n = []; for (var k in this) { n.push(k); } n.join()").split(",");
    const natives = host.evaluate("var p = []; for (var q in [].constructor.prototype) { p.push(q); } p.length");
    host.load(BUNDLE);
    host.load(BUNDLE, { docked: false });
    const after = host.evaluate("n = []; for (k in this) { n.push(k); } n.join()").split(",");
    const own = new Set([...before, "n", "k", "p", "q", "__panel"]);
    assert.deepEqual(after.filter((name) => !own.has(name)), ["DropKeyPanel"]);
    assert.equal(host.evaluate("p = []; for (q in [].constructor.prototype) { p.push(q); } p.length"), natives);
});

test("it works where another script has extended Object.prototype and Array.prototype", (t) => {
    const scene = stage(t, { load: false });
    scene.host.evaluate("Object.prototype.each = function () { return 1; }; Array.prototype.first = function () { return this[0]; };");
    scene.panel = scene.host.load(BUNDLE);
    roundTrip(scene);
    assert.match(scene.host.message(scene.panel), /is in the comp/);
    assert.equal(JSON.stringify(scene.service.asked[0].body).includes("each"), false);
});

test("hostile keys in an answer are data", (t) => {
    const scene = stage(t);
    scene.service.override = ({ target }) => {
        const body = '{"__proto__": {"x": 1}, "hasOwnProperty": 2, "toString": 3, "id": "7", "state": "queued", "version": 1, "frames": []}';
        return target === "/jobs" && { bytes: `HTTP/1.1 202 X\r\ncontent-length: ${body.length}\r\n\r\n${body}` };
    };
    send(scene);
    assert.equal(scene.host.evaluate("({}).x"), undefined);
    assert.match(scene.host.jobs(scene.panel)[0], /queued/);
});

test("two panels show the same jobs, and a closed one is forgotten", (t) => {
    const scene = stage(t);
    const second = scene.host.load(BUNDLE, { docked: false });
    send(scene);
    assert.deepEqual(scene.host.jobs(second), scene.host.jobs(scene.panel));
    assert.equal(scene.host.jobs(second).length, 1);
    scene.panel.close();
    scene.host.press(second, "Refresh");
    assert.match(scene.host.status(second), /ready/);
    assert.equal(scene.host.evaluate("DropKeyPanel.shared.interfaces.length"), 1);
});

test("widgets that died without a word are pruned", (t) => {
    const scene = stage(t);
    const second = scene.host.load(BUNDLE);
    scene.host.kill(scene.panel);
    scene.host.press(second, "Key selected layers");
    assert.match(scene.host.message(second), /queued/);
    assert.equal(scene.host.evaluate("DropKeyPanel.shared.interfaces.length"), 1);
});

test("the job list survives a restart of After Effects", (t) => {
    const scene = stage(t);
    send(scene);
    const again = stage(t, { root: scene.host.root, load: false, service: false });
    again.host.settings = scene.host.settings;
    const panel = again.host.load(BUNDLE);
    assert.deepEqual(again.host.jobs(panel), scene.host.jobs(scene.panel));
});

test("what is remembered is shown at start-up and saved by nobody: lists tell of changes that a script made, too", (t) => {
    const scene = stage(t);
    for (const label of ["Plate with alpha as track matte", "Work area", "Dirty screen (crush residue)", "Alpha"]) scene.host.choose(scene.panel, label);
    const again = stage(t, { root: scene.host.root, load: false, service: false });
    again.host.settings = scene.host.settings;
    const panel = again.host.load(BUNDLE);
    assert.deepEqual(again.host.writes, []);
    again.host.press(panel, "Refresh");
    const written = again.host.writes.length;
    again.host.choose(panel, "Work area");
    assert.equal(again.host.writes.length, written);
    again.host.choose(panel, "Layer trim");
    assert.ok(again.host.writes.length > written);
});

test("two running After Effects keep each other's jobs and settings, and each its own changes", (t) => {
    const one = stage(t);
    const other = stage(t, { root: one.host.root, count: 20 });
    other.service.count = 100; // its jobs have ids of their own
    send(one);
    other.layer.inPoint = 0.2;
    other.host.choose(other.panel, "Work area");
    other.host.choose(other.panel, "Layer trim");
    other.host.choose(other.panel, "Dirty screen (crush residue)");
    send(other);
    one.layer.inPoint = 0.4;
    send(one);
    const memory = () => JSON.parse(fs.readFileSync(`${one.host.folders.userData}/DropKey/panel.json`, "utf8"));
    assert.equal(memory().jobs.length, 3);
    assert.equal(memory().settings.preset, "Dirty screen (crush residue)");
    one.host.press(one.panel, "Cancel");
    other.host.press(other.panel, "Refresh");
    assert.equal(memory().jobs.length, 3);
    assert.equal(other.host.jobs(other.panel).length, 3);
});
