/** Every call into After Effects is made to throw, one after the other; the project is never left half-changed. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { MaskMode } from "./host/properties.mjs";
import { find } from "./host/scriptui.mjs";
import { stage } from "./stage.mjs";

const SHAPE = { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true };

// One folder for all cases: making and deleting a thousand of them took most of the time.
const ROOT = fs.mkdtempSync(path.join(os.tmpdir(), "dropkey-faults-"));
let cases = 0;
after(() => fs.rmSync(ROOT, { recursive: true, force: true }));

function prepared(kind) {
    const root = path.join(ROOT, kind);
    fs.rmSync(path.join(root, "userData", "DropKey", "panel.json"), { force: true });
    const scene = stage(null, { count: 4, root });
    const { host, layer, comp } = scene;
    cases += 1;
    host.clock.advance(cases * 1000);
    scene.other = host.rawQueue.items.add(comp);
    layer.addMask("garbage", SHAPE);
    if (kind === "render") layer.addEffect("Lumetri");
    if (kind === "range") layer.inPoint = 0.04;
    if (kind === "matte") host.choose(scene.panel, "Plate with alpha as track matte");
    scene.before = { layers: comp.numLayers, items: host.items.length };
    return scene;
}

/** Presses a button, which may change its label, with the host call number `at` failing; returns how many calls it made. */
function failing(scene, button, at) {
    const label = button.split("|").find((text) => find(scene.panel, (each) => each.text === text)) ?? button;
    return failingIn(scene, () => scene.host.press(scene.panel, label), at);
}

function failingIn(scene, act, at) {
    const { border } = scene.host;
    border.count = 0;
    border.names.length = 0;
    border.failAt = at;
    try {
        act();
    } finally {
        border.failAt = 0;
    }
    return border.count;
}

function soundAfter(scene, what) {
    const { host } = scene;
    assert.equal(host.undoDepth, 0, `${what}: undo groups`);
    assert.deepEqual(host.looseEdits, [], `${what}: edits outside of undo groups`);
    assert.equal(scene.other.render, true, `${what}: the artist's render`);
    assert.equal(host.rawQueue.numItems, 1, `${what}: items left in the queue`);
    assert.ok(!host.items.some((item) => item.name === "DropKey temporary"), `${what}: temporary comp`);
    assert.deepEqual(host.modals, [], what);
    assert.deepEqual(host.alerts, [], what);
}

function wording(scene, what) {
    const said = scene.host.message(scene.panel);
    assert.ok(said.length > 15, `${what}: ${said}`);
    assert.match(said, /[.!]/, what);
}

for (const kind of ["file", "render"]) {
    test(`sending (${kind}) survives a fault of each host call`, () => {
        const first = prepared(kind);
        const calls = failing(first, "Key selected layers", 0);
        assert.ok(calls > 40, `only ${calls} calls`);
        for (let at = 1; at <= calls; at += 1) {
            const scene = prepared(kind);
            failing(scene, "Key selected layers", at);
            const what = `call ${at} (${scene.host.border.names[at - 1]})`;
            soundAfter(scene, what);
            assert.ok(scene.service.jobs.size <= 1, what);
            assert.equal(scene.comp.numLayers, scene.before.layers, what);
            if (scene.service.jobs.size === 0) wording(scene, what);
            // The artist presses again, and it works.
            scene.host.press(scene.panel, "Refresh");
            scene.host.press(scene.panel, "Key selected layers");
            assert.equal(scene.service.jobs.size >= 1, true, `${what}: ${scene.host.message(scene.panel)}`);
            soundAfter(scene, what);
        }
    });
}

for (const kind of ["file", "range", "matte", "render"]) {
    test(`bringing back (${kind}) survives a fault of each host call`, () => {
        const ready = () => {
            const scene = prepared(kind);
            scene.host.press(scene.panel, "Key selected layers");
            scene.service.finish([...scene.service.jobs.values()][0]);
            scene.host.press(scene.panel, "Refresh");
            return scene;
        };
        const first = ready();
        const calls = failing(first, "Bring back", 0);
        assert.ok(first.comp.numLayers > 1, first.host.message(first.panel));
        const whole = first.comp.numLayers;
        assert.ok(calls > 40, `only ${calls} calls`);
        for (let at = 1; at <= calls; at += 1) {
            const scene = ready();
            failing(scene, "Bring back", at);
            const what = `call ${at} (${scene.host.border.names[at - 1]})`;
            soundAfter(scene, what);
            const placed = scene.comp.numLayers === whole;
            assert.ok(placed || scene.comp.numLayers === scene.before.layers, `${what}: ${scene.comp.numLayers} layers`);
            assert.equal(scene.layer.enabled, !placed, `${what}: the source is hidden when, and only when, the key stands`);
            assert.equal(scene.layer.property("ADBE Mask Parade").property(1).maskMode, MaskMode.ADD, what);
            const keyed = scene.host.items.filter((item) => item.constructor.hostKind === "FootageItem");
            if (!placed) {
                assert.equal(keyed.length, 1, `${what}: half-made footage`);
                wording(scene, what);
            }
            scene.host.press(scene.panel, "Bring back");
            assert.equal(scene.comp.numLayers, whole, `${what}: ${scene.host.message(scene.panel)}`);
        }
    });
}

for (const button of ["Refresh", "Test frame", "Cancel", "Key again", "Dashboard", "Reset", "Sample", "Bring all", "Place here", "Accept", "Remove", "Before", "Auto", "Live", "Retry", "Sooner", "Pause|Resume", "Setup\u2026", "Presets\u2026", "\u25be Key|\u25b8 Key"]) {
    test(`${button} survives a fault of each host call`, () => {
        const scene = prepared("file");
        scene.host.press(scene.panel, "Key selected layers");
        scene.host.onDialog = (dialog) => {
            const fields = dialog.children.flatMap((line) => line.children).filter((each) => each.type === "edittext");
            if (button === "Presets\u2026") fields[0].text = "Hair";
            scene.host.press(dialog, button === "Presets\u2026" ? "Save" : "OK");
        };
        const calls = failing(scene, button, 0);
        for (let at = 1; at <= calls; at += 1) {
            failing(scene, button, at);
            soundAfter(scene, `call ${at} (${scene.host.border.names[at - 1]})`);
        }
        scene.host.press(scene.panel, "Refresh");
        assert.match(scene.host.status(scene.panel), /ready/);
    });
}

for (const [name, act] of [
    ["a tick of Live that finds a key to bring back", ({ host }) => host.fireTasks()],
    ["a double click", ({ host, panel }) => host.fire(find(panel, (each) => each.type === "listbox"), "onDoubleClick")],
    ["a chosen preset", ({ host, panel }) => { host.choose(panel, "Keep brightness at despill"); host.choose(panel, "Service default"); }],
    ["a plate's encoding", ({ host, panel }) => { host.choose(panel, "ARRI LogC4"); host.choose(panel, "Auto"); }],
    ["a zoom", ({ host, panel }) => { host.choose(panel, "2:1"); host.choose(panel, "Fit"); }],
    ["a filter", ({ host, panel }) => { host.choose(panel, "This project"); host.choose(panel, "All projects"); }],
]) {
    test(`${name} survives a fault of each host call`, () => {
        const prepare = () => {
            const scene = prepared("range");
            for (const button of ["Live", "Auto", "Key selected layers"]) scene.host.press(scene.panel, button);
            scene.service.finish([...scene.service.jobs.values()][0]);
            return scene;
        };
        const first = prepare();
        const calls = failingIn(first, () => act(first), 0);
        assert.ok(calls > 3, `only ${calls} calls`);
        // A fault far into a long way home is tried by the button's own test above.
        for (let at = 1; at <= Math.min(calls, 120); at += 1) {
            const scene = prepare();
            failingIn(scene, () => act(scene), at);
            soundAfter(scene, `call ${at} (${scene.host.border.names[at - 1]})`);
            assert.deepEqual(scene.host.taskErrors, []);
            scene.host.press(scene.panel, "Refresh");
            assert.match(scene.host.status(scene.panel), /ready/);
            assert.equal(scene.comp.numLayers, scene.before.layers + 1, `call ${at}: the key comes back at the next Refresh`);
        }
    });
}
