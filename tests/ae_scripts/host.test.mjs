/** What the simulated After Effects knows of the real one: each refusal and habit that the panel must live with. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { layOut, natural } from "./host/measure.mjs";
import { RQItemStatus, USUAL, WORST } from "./host/queue.mjs";
import { send, stage, writeSequence } from "./stage.mjs";

const bare = (t, options) => stage(t, { load: false, ...options });
const run = (scene, code) => scene.host.evaluate(`var c = app.project.activeItem, l = c.layer(1); ${code}`);

test("undo: a group is one step with all that nests in it, Redo brings it again, an end too many is an error", (t) => {
    const scene = bare(t);
    const { layer, host } = scene;
    run(scene, "app.beginUndoGroup('a'); l.name = 'x'; app.beginUndoGroup('b'); l.shy = true; app.endUndoGroup(); app.endUndoGroup();");
    assert.deepEqual(host.history.steps.map((step) => step.name), ["a"]);
    host.history.undo();
    assert.deepEqual([layer.name, layer.shy], ["hero.1001.png", false]);
    host.history.redo();
    assert.deepEqual([layer.name, layer.shy], ["x", true]);
    assert.throws(() => run(scene, "app.endUndoGroup()"), /mismatch/);
    run(scene, "l.label = 3;");
    assert.deepEqual(host.history.steps.map((step) => step.name), ["a", "AVLayer.label="], "outside of a group each edit is a step");
    assert.deepEqual(host.looseEdits, ["AVLayer.label="]);
});

for (const [name, link] of [["a parent", (l, other) => { l.parent = other; }], ["an expression", (l) => { l.property("ADBE Transform Group").property("ADBE Opacity").expression = "wiggle(1, 2)"; }]]) {
    test(`a layer with ${name} and effects refuses to be copied inside an undo group, and loses outside what names another layer`, (t) => {
        const scene = bare(t);
        const { comp, host, layer } = scene;
        const other = host.addLayer(comp, scene.item);
        const target = host.addComp("target");
        link(layer, other);
        layer.addEffect("Set Matte", { layer: other });
        const copy = "l = c.layer(2); l.copyToComp(app.project.item(app.project.numItems));";
        assert.throws(() => run(scene, `app.beginUndoGroup('x'); ${copy}`), /cannot be copied inside an undo group/);
        host.history.end();
        run(scene, copy);
        const [made] = target.stack;
        assert.deepEqual([made.parent, made.property("ADBE Effect Parade").property(1).layer], [null, null]);
    });
}

test("a render begins with the user's own template, and each setting is taken by number in every language, by word in English only", (t) => {
    for (const [language, words] of [["en", true], ["de", false], ["ja", false]]) {
        const scene = bare(t);
        scene.host.language = language;
        const item = scene.host.rawQueue.items.add(scene.comp);
        assert.deepEqual(item.getSettings(), WORST);
        item.setSettings({ "Quality": 2, "Guide Layers": 0, "Resolution": { x: 1, y: 1 } });
        assert.deepEqual([item.getSettings().Quality, item.getSettings()["Guide Layers"], item.getSettings().Resolution], [2, 0, [1, 1]]);
        const byWord = () => item.setSettings({ "Frame Rate": "Use comp's frame rate" });
        if (words) byWord(); else assert.throws(byWord, /cannot be/);
        assert.throws(() => item.setSettings({ "Frame Rate": 9 }), /cannot be 9/);
        assert.throws(() => item.setSettings({ "Framerate": 1 }), /there is no setting/);
    }
});

test("what the default template leaves on comes out: another rate, guide layers, half size", (t) => {
    const scene = bare(t);
    const { comp, host } = scene;
    comp.duration = 1;
    comp.workAreaDuration = 1;
    host.addLayer(comp, scene.item).guideLayer = true;
    const item = host.rawQueue.items.add(comp);
    item.settings = { ...USUAL, "Frame Rate": 1, "Use this frame rate": 12, "Guide Layers": 2 };
    item.outputModule().applyTemplate("_HIDDEN X-Factor 16");
    item.target = new host.disk.File(`${host.root}/r_[#####].png`);
    item.run();
    assert.deepEqual([host.renders[0].count, host.renders[0].layers.length], [12, 2]);
    const half = host.rawQueue.items.add(comp);
    half.settings = { ...USUAL, Resolution: [2, 2] };
    assert.throws(() => half.run(), /size/);
});

test("an output module is dead after its settings were set, and an existing file is a dialog that waits", (t) => {
    const scene = bare(t);
    const item = scene.host.rawQueue.items.add(scene.comp);
    item.settings = { ...USUAL };
    const module = scene.host.border.out(item).outputModule(1);
    module.applyTemplate("_HIDDEN X-Factor 16");
    module.setSettings({ "Use Comp Frame Number": false });
    assert.throws(() => module.file, /invalid/);
    scene.comp.workAreaDuration = item.timeSpanDuration = 0.04;
    item.target = new scene.host.disk.File(`${scene.host.root}/r_[#####].png`);
    item.run();
    assert.equal(item.status, RQItemStatus.DONE);
    item.status = RQItemStatus.QUEUED;
    assert.throws(() => item.run(), /modal dialog/);
    assert.equal(scene.host.modals.length, 1);
});

test("solo hides all others, guide layers stay out of renders, and both stand at every copy, as motion blur, label and audio do", (t) => {
    const { comp, host, item, layer } = bare(t);
    const other = host.addLayer(comp, item);
    layer.solo = true;
    assert.deepEqual(comp.visible(), [layer]);
    layer.solo = false;
    other.guideLayer = true;
    assert.deepEqual([comp.visible(), comp.visible({ guides: true }).length], [[layer], 2]);
    Object.assign(other, { motionBlur: true, label: 9, audioEnabled: false, solo: true, preserveTransparency: true });
    const copy = other.duplicate();
    assert.deepEqual([copy.motionBlur, copy.label, copy.audioEnabled, copy.solo, copy.guideLayer, copy.preserveTransparency], [true, 9, false, true, true, true]);
    const fresh = comp.layers.add(item);
    assert.deepEqual([fresh.motionBlur, fresh.label, fresh.audioEnabled, fresh.solo, fresh.guideLayer], [false, 1, true, false, false]);
});

test("sound is heard of every layer that has it switched on, hidden or not", (t) => {
    const { comp, host } = bare(t);
    const movie = path.join(host.root, "m.mov");
    fs.writeFileSync(movie, "m");
    host.movies.set(movie, { width: 64, height: 36, alpha: false, fps: 25, frames: 20, audio: true });
    const layer = host.addLayer(comp, host.addFootage(movie));
    layer.enabled = false;
    assert.deepEqual([comp.audible, comp.hasAudio], [[layer], true]);
    layer.duplicate();
    assert.equal(comp.audible.length, 2);
});

test("only what holds layers can be collapsed, and layer styles go along with a copy", (t) => {
    const { comp, host, layer } = bare(t);
    assert.throws(() => { layer.collapseTransformation = true; }, /cannot be set for footage/);
    const nested = host.addLayer(comp, host.addComp("inner"));
    nested.collapseTransformation = true;
    nested.addStyle();
    const copy = nested.duplicate();
    assert.deepEqual([copy.collapseTransformation, copy.property("ADBE Layer Styles").numProperties], [true, 1]);
});

test("a locked layer refuses switches, moves, a new source and its removal", (t) => {
    const { comp, host, item, layer } = bare(t);
    const other = host.addLayer(comp, item);
    layer.locked = true;
    for (const act of [() => { layer.enabled = false; }, () => { layer.solo = true; }, () => { layer.inPoint = 0.1; }, () => layer.moveBefore(other), () => other.moveBefore(layer), () => layer.replaceSource(item), () => layer.remove(), () => layer.setParentWithJump(other)]) {
        assert.throws(act, /locked/);
    }
});

test("pixel aspect is guessed of the file whenever it is read, and a comp's copy has the comp's", (t) => {
    const { comp, host, item } = bare(t);
    item.pixelAspect = 2;
    item.replaceWithSequence(new host.disk.File(writeSequence(path.join(host.root, "n"), "n.", 1, 3)));
    assert.equal(item.pixelAspect, 1);
    comp.pixelAspect = 1.5;
    assert.equal(comp.duplicate().pixelAspect, 1.5);
});

test("alpha, its color and the rate are guessed anew, too, and wrongly", (t) => {
    const { host, item } = bare(t);
    assert.deepEqual([item.mainSource.rate, item.mainSource.alphaMode], [25, host.context.AlphaMode.STRAIGHT]);
    item.replaceWithSequence(new host.disk.File(item.file.fsName));
    assert.equal(item.mainSource.rate, 0);
    assert.throws(() => { item.mainSource.alphaMode = host.context.AlphaMode.PREMULTIPLIED; }, /no alpha/);
});

test("a task that is due while a dialog is open is lost, with the error that After Effects shows", (t) => {
    const { host } = bare(t);
    host.evaluate("app.scheduleTask('ran = true', 10, false)");
    host.modalOpen = true;
    host.fireTasks();
    host.modalOpen = false;
    host.fireTasks();
    assert.deepEqual([host.evaluate("typeof ran"), host.tasks.size], ["undefined", 0]);
    assert.match(host.taskErrors[0], /modal dialog/);
});

test("a disk of macOS gives names with their accents apart, and finds them written either way", (t) => {
    const { host } = bare(t, { decomposes: true });
    fs.writeFileSync(path.join(host.root, "caf\u00e9.png"), "x");
    const [file] = Array.from(new host.disk.Folder(host.root).getFiles()).filter((each) => each.fsName.endsWith(".png"));
    assert.equal(path.basename(file.fsName), "cafe\u0301.png");
    assert.equal(file.exists, true);
    assert.equal(new host.disk.File(path.join(host.root, "caf\u00e9.png")).exists, true);
});

test("another project's items have the same numbers: what knows its layer by number only would find the wrong one", (t) => {
    const scene = stage(t);
    const job = send(scene);
    const { host } = scene;
    const ids = [scene.comp.id, scene.item.id, scene.layer.id];
    const back = host.openAnother(path.join(host.root, "another.aep"));
    const comp = host.addComp("shot 10", { duration: 10 });
    const item = host.addFootage(writeSequence(path.join(host.root, "other"), "hero.", 1001, 20));
    const layer = host.addLayer(comp, item);
    assert.deepEqual([comp.id, item.id, layer.id], ids);
    scene.service.finish(job);
    host.press(scene.panel, "Refresh");
    host.press(scene.panel, "Bring back");
    assert.match(host.message(scene.panel), /into the project only/);
    assert.equal(comp.numLayers, 1);
    back();
    host.press(scene.panel, "Bring back");
    assert.match(host.message(scene.panel), /in the comp/);
    assert.equal(scene.comp.numLayers, 2);
});

test("text has a width, and what does not fit into its control or its row is found", (t) => {
    const scene = stage(t);
    scene.host.resize(scene.panel, [280, 900]);
    assert.deepEqual(layOut(scene.panel, 280), []);
    const button = scene.panel.children[1].children[1];
    button.text = "A label that is much too long for any column of this width, whatever the font";
    assert.ok(natural(button) > 280);
    assert.ok(layOut(scene.panel, 280).length > 0);
    button.text = "Test frame";
    assert.ok(layOut(scene.panel, 120).length > 0, "a column that is too narrow");
});

test("each value of a path costs time, which tests count: a mask of many frames may not take seconds", (t) => {
    const scene = stage(t, { count: 400, duration: 20 });
    const many = Array.from({ length: 16 }, (_, i) => [30 + 20 * Math.cos(i / 16 * 6.28), 18 + 12 * Math.sin(i / 16 * 6.28)]);
    const zero = many.map(() => [0, 0]);
    const mask = scene.layer.addMask("garbage", { vertices: many, inTangents: zero, outTangents: zero, closed: true });
    const shape = mask.property("ADBE Mask Shape");
    const before = scene.host.clock.offset;
    scene.host.border.out(shape).valueAtTime(0, false);
    assert.equal(scene.host.clock.offset - before, 5);
    shape.setValueAtTime(0, shape.value);
    shape.setValueAtTime(16, shape.value);
    send(scene);
    assert.ok(scene.host.clock.offset - before < 400 * 5 + 500, `${scene.host.clock.offset - before} ms`);
});
