/** Bringing back: interpretation, placement, second versions, and everything that must be refused. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fakeExr } from "./host/service.mjs";
import { roundTrip, send, stage, writeSequence } from "./stage.mjs";

const UNMARKED = "<?xpacket?><x:xmpmeta><rdf:RDF></rdf:RDF></x:xmpmeta>";
const source = (scene, place = 0) => scene.comp.stack[place].source.mainSource;
const again = (scene, more) => { scene.service.finish(more.job, more); scene.host.press(scene.panel, "Refresh"); scene.host.press(scene.panel, "Bring back"); return scene.host.message(scene.panel); };

test("the import is a sequence at the source's own rate, premultiplied with black", (t) => {
    const fps = 23.9759979248047;
    const scene = stage(t, { fps, compFps: 25 });
    const imported = [];
    const original = scene.host.project.importFile;
    scene.host.project.importFile = (options) => { imported.push(options); return original.call(scene.host.project, options); };
    roundTrip(scene);
    assert.deepEqual([imported[0].sequence, imported[0].forceAlphabetical], [true, false]);
    assert.equal(source(scene).conformFrameRate, fps);
    assert.equal(source(scene).alphaMode, scene.host.context.AlphaMode.PREMULTIPLIED);
    assert.deepEqual(source(scene).premulColor, [0, 0, 0]);
    assert.equal(scene.comp.stack[0].source.parentFolder.name, "DropKey");
    assert.match(scene.comp.stack[0].source.comment, /^DropKey 0{31}1, scene-linear Rec\.709/);
});

test("straight is set where the manifest says so", (t) => {
    const scene = stage(t);
    roundTrip(scene, { change: (m) => ({ ...m, association: "straight", settings: { ...m.settings, association: "straight" } }) });
    assert.equal(source(scene).alphaMode, scene.host.context.AlphaMode.STRAIGHT);
});

for (const [name, change] of [
    ["silent", (m) => { delete m.association; delete m.settings.association; }],
    ["contradictory", (m) => { m.association = "straight"; }],
]) {
    test(`a ${name} manifest counts as premultiplied, visibly`, (t) => {
        const scene = stage(t);
        roundTrip(scene, { change });
        assert.equal(source(scene).alphaMode, scene.host.context.AlphaMode.PREMULTIPLIED);
        assert.match(scene.host.message(scene.panel), /does not say clearly/);
    });
}

test("one frame is imported without a rate, and files without alpha keep their interpretation", (t) => {
    const scene = stage(t);
    scene.layer.inPoint = 0.2;
    scene.layer.outPoint = 0.24;
    roundTrip(scene);
    assert.match(scene.host.message(scene.panel), /in the comp/);
    assert.equal(source(scene).isStill, true);
    const bare = stage(t);
    const job = send(bare);
    bare.service.finish(job);
    for (const name of fs.readdirSync(path.join(job.output, "foreground"))) {
        fs.writeFileSync(path.join(job.output, "foreground", name), fakeExr(64, 36, ["B", "G", "R"]));
    }
    bare.host.press(bare.panel, "Refresh");
    bare.host.press(bare.panel, "Bring back");
    assert.match(bare.host.message(bare.panel), /in the comp/);
    assert.equal(source(bare).conformFrameRate, 25);
});

test("a rate that differs is taken from the manifest and told", (t) => {
    const scene = stage(t);
    roundTrip(scene, { fps: "30" });
    assert.equal(source(scene).conformFrameRate, 30);
    assert.match(scene.host.message(scene.panel), /30 frames per second, the source at 25/);
});

for (const [name, break_, told] of [
    ["a gap", (folder) => fs.rmSync(path.join(folder, "foreground", "hero_foreground.1007.exr")), /Frame 1007 of the foreground is missing/],
    ["an empty file", (folder) => fs.writeFileSync(path.join(folder, "foreground", "hero_foreground.1007.exr"), ""), /Frame 1007 of the foreground is empty/],
    ["a file too many", (folder) => fs.writeFileSync(path.join(folder, "foreground", "hero_foreground.2000.exr"), "x"), /holds 21 frames, the manifest names 20/],
    ["no manifest", (folder) => fs.rmSync(path.join(folder, "manifest.json")), /manifest is not there/],
    ["half a manifest", (folder) => fs.writeFileSync(path.join(folder, "manifest.json"), "{\"schema"), /damaged/],
    ["another schema", (folder) => fs.writeFileSync(path.join(folder, "manifest.json"), "{\"schema_version\": 2}"), /another DropKey/],
]) {
    test(`${name} is refused, and the project stays as it was`, (t) => {
        const scene = stage(t);
        const job = send(scene);
        scene.service.finish(job);
        break_(job.output);
        scene.host.press(scene.panel, "Refresh");
        scene.host.press(scene.panel, "Bring back");
        assert.match(scene.host.message(scene.panel), told);
        assert.equal(scene.comp.numLayers, 1);
        assert.equal(scene.layer.enabled, true);
        assert.equal(scene.host.items.length, 2);
        assert.deepEqual(scene.host.warnings, []);
    });
}

for (const state of ["queued", "running", "failed", "cancelled", "needs_attention"]) {
    test(`a job that is ${state} is not brought back`, (t) => {
        const scene = stage(t);
        const job = send(scene);
        scene.service.finish(job, { state: "incomplete" });
        job.state = state;
        scene.host.press(scene.panel, "Bring back");
        assert.match(scene.host.message(scene.panel), /is not finished/);
        assert.equal(scene.comp.numLayers, 1);
    });
}

test("accepted holes are brought back and named", (t) => {
    const scene = stage(t);
    const job = send(scene);
    scene.service.finish(job, { change: (m) => { m.accepted = true; m.frames[6].state = "failed"; } });
    for (const pass of ["foreground", "alpha"]) fs.rmSync(path.join(job.output, pass, `hero_${pass}.1007.exr`));
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /Accepted holes at frames 1007/);
    assert.equal(scene.comp.numLayers, 2);
});

test("the whole clip becomes a copy: transform, keys, effects, speed and parent stay; garbage masks are off", (t) => {
    const scene = stage(t);
    const { layer, comp, host } = scene;
    host.evaluate("DropKeyPanel.shared.store.settings.effects = 'ignore'");
    host.choose(scene.panel, "Whole clip");
    const parent = host.addLayer(comp, scene.item, { select: false });
    layer.selected = true;
    layer.parent = parent;
    layer.stretch = 200;
    layer.property("ADBE Transform Group").property("ADBE Position").setValueAtTime(0, [1, 2]);
    layer.property("ADBE Transform Group").property("ADBE Position").setValueAtTime(1, [3, 4]);
    layer.addEffect("Curves");
    layer.addMask("garbage", { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true });
    layer.addMask("soft edge", { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true });
    roundTrip(scene);
    const copy = comp.stack[layer.index - 2];
    assert.equal(copy.source.name, "hero v001 key");
    assert.deepEqual([copy.parent, copy.stretch, copy.inPoint, copy.outPoint], [parent, 200, layer.inPoint, layer.outPoint]);
    assert.equal(copy.property("ADBE Transform Group").property("ADBE Position").numKeys, 2);
    assert.equal(copy.property("ADBE Effect Parade").property(1).enabled, true);
    const modes = copy.property("ADBE Mask Parade").children.map((mask) => mask.maskMode);
    assert.deepEqual(modes, [host.context.MaskMode.NONE, host.context.MaskMode.ADD]);
    assert.equal(layer.property("ADBE Mask Parade").property(1).maskMode, host.context.MaskMode.ADD);
    assert.deepEqual([layer.enabled, comp.stack.includes(layer)], [false, true]);
});

test("a part starts at its own frame, as a child on top of the source", (t) => {
    const scene = stage(t);
    const { layer, comp } = scene;
    layer.startTime = 2;
    layer.inPoint = 2.2;
    layer.outPoint = 2.4;
    scene.host.evaluate("DropKeyPanel.shared.store.settings.handles = 2");
    roundTrip(scene);
    const key = comp.stack[0];
    assert.ok(Math.abs(key.startTime - 2.12) < 1e-9);
    assert.ok(Math.abs(key.inPoint - 2.2) < 1e-9 && Math.abs(key.outPoint - 2.4) < 1e-9);
    assert.equal(key.parent, layer);
    assert.deepEqual(key.property("ADBE Transform Group").property("ADBE Position").value, [0, 0]);
    assert.equal(key.index, layer.index - 1);
});

test("a layer that was trimmed longer since shows the keyed frames, and that is told", (t) => {
    const scene = stage(t);
    scene.layer.outPoint = 0.4;
    const job = send(scene);
    scene.layer.outPoint = 0.6;
    assert.match(again(scene, { job }), /more frames than were keyed/);
    assert.ok(Math.abs(scene.comp.stack[0].outPoint - 0.4) < 1e-9);
});

test("a part of a slowed layer runs at its speed", (t) => {
    const scene = stage(t);
    scene.layer.stretch = 200;
    scene.layer.inPoint = 0.4;
    scene.layer.outPoint = 0.8;
    roundTrip(scene);
    const key = scene.comp.stack[0];
    assert.ok(Math.abs(key.startTime - 0.4) < 1e-9 && key.stretch === 200);
    assert.ok(Math.abs(key.inPoint - 0.4) < 1e-9 && Math.abs(key.outPoint - 0.8) < 1e-9);
});

test("a locked source: the key stands right above it, and it stays locked", (t) => {
    const scene = stage(t);
    scene.host.addLayer(scene.comp, scene.item, { select: false });
    scene.layer.selected = true;
    scene.layer.outPoint = 0.4;
    const job = send(scene);
    scene.layer.locked = true;
    again(scene, { job });
    assert.match(scene.host.message(scene.panel), /in the comp/);
    assert.equal(scene.comp.stack[scene.layer.index - 2].source.name, "hero v001 key");
    assert.deepEqual([scene.layer.locked, scene.layer.enabled], [true, false]);
});

for (const version of [26, 22]) {
    test(`alpha as an alpha track matte of the untouched plate (After Effects ${version})`, (t) => {
        const scene = stage(t, { version });
        scene.host.choose(scene.panel, "Plate with alpha as track matte");
        roundTrip(scene);
        const [matte, fill] = scene.comp.stack;
        assert.equal(matte.source.name, "hero v001 alpha");
        assert.equal(fill.source, scene.item);
        assert.equal(fill.matteLayer, matte);
        assert.equal(fill.trackMatteType, scene.host.context.TrackMatteType.ALPHA);
        assert.deepEqual([matte.enabled, fill.enabled, scene.layer.enabled], [false, true, false]);
    });
}

test("alpha is imported beside the foreground when asked for", (t) => {
    const scene = stage(t);
    scene.host.choose(scene.panel, "Foreground; alpha in the project");
    roundTrip(scene);
    assert.deepEqual(scene.host.items.filter((item) => /v001/.test(item.name)).map((item) => item.name).sort(), ["hero v001 alpha", "hero v001 key"]);
    assert.equal(scene.comp.numLayers, 2);
});

test("a second version goes behind the same item: layers, effects and mattes stay, alpha and rate are set again", (t) => {
    const scene = stage(t);
    roundTrip(scene);
    const key = scene.comp.stack[0];
    const [item, effect] = [key.source, key.addEffect("Glow")];
    const file = item.file.fsName;
    scene.host.press(scene.panel, "Key again");
    const job = [...scene.service.jobs.values()].at(-1);
    assert.equal(job.request.key_again, true);
    assert.match(again(scene, { job }), /new version is behind the layers/);
    assert.equal(scene.comp.numLayers, 2);
    assert.equal(key.source, item);
    assert.equal(key.property("ADBE Effect Parade").property(1), effect);
    assert.notEqual(item.file.fsName, file);
    assert.match(item.file.fsName, /v002/);
    assert.ok(fs.existsSync(file), "the first version is still there");
    assert.equal(source(scene).alphaMode, scene.host.context.AlphaMode.PREMULTIPLIED);
    assert.deepEqual(source(scene).premulColor, [0, 0, 0]);
    assert.equal(source(scene).conformFrameRate, 25);
    assert.equal(item.name, "hero v002 key");
});

test("bringing back twice changes nothing the second time", (t) => {
    const scene = stage(t);
    roundTrip(scene);
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp already/);
    assert.equal(scene.comp.numLayers, 2);
});

test("the target is found after rename, reorder, other selection and another comp in front", (t) => {
    const scene = stage(t);
    const job = send(scene);
    const other = scene.host.addComp("other");
    scene.host.addLayer(other, scene.item);
    scene.host.addLayer(scene.comp, scene.item);
    scene.comp.stack.reverse();
    scene.layer.name = "renamed";
    scene.comp.name = "renamed too";
    scene.host.project.activeItem = other;
    again(scene, { job });
    assert.equal(other.numLayers, 1);
    assert.equal(scene.comp.stack[scene.layer.index - 2].source.name, "hero v001 key");
});

for (const [name, change] of [
    ["layer", (s) => s.layer.remove()],
    ["comp", (s) => s.comp.remove()],
    ["project", (s) => { Object.assign(s.host.project, { saved: "/elsewhere/other.aep", xmp: UNMARKED }); }],
]) {
    test(`a ${name} that is gone: imported into the project only`, (t) => {
        const scene = stage(t);
        const job = send(scene);
        change(scene);
        assert.match(again(scene, { job }), /into the project only/);
        assert.ok(scene.host.items.some((item) => item.name === "hero v001 key"));
        assert.match(scene.host.jobs(scene.panel)[0], /layer gone/);
    });
}

test("a project that was saved under another name beside the old one is the same project", (t) => {
    const scene = stage(t);
    const first = send(scene);
    scene.host.project.saved = path.join(scene.host.root, "shot_v002.aep");
    assert.match(again(scene, { job: first }), /in the comp/);
    assert.equal(scene.comp.stack[0].source.name, "hero v001 key");
    scene.host.press(scene.panel, "Key again");
    const second = [...scene.service.jobs.values()].at(-1);
    assert.notEqual(second.id, first.id);
    assert.match(again(scene, { job: second, version: 2 }), /behind the layers that were there/);
    assert.equal(scene.comp.stack[0].name, "hero v002 key");
    assert.equal(scene.comp.numLayers, 2);
});

for (const [name, change] of [
    ["comp", (s) => { s.comp.name = "shot 20"; }],
    ["layer", (s) => { s.layer.name = "another"; }],
    ["file", (s) => { s.item.mainSource.file = s.host.context.File(path.join(s.host.root, "plates", "hero.1002.png")); }],
]) {
    test(`beside another project of the same template, whose ${name} has another name, nothing is placed`, (t) => {
        const scene = stage(t);
        const job = send(scene);
        Object.assign(scene.host.project, { saved: path.join(scene.host.root, "shot_020.aep"), xmp: UNMARKED });
        change(scene);
        assert.match(again(scene, { job }), /into the project only/);
        assert.equal(scene.comp.numLayers, 1);
    });
}

for (const [name, before, after] of [
    ["saved for the first time after sending", null, "/elsewhere/shot.aep"],
    ["saved into another folder after sending", "/first/shot.aep", "/second/other.aep"],
]) {
    test(`a project that was ${name} is the same one`, (t) => {
        const scene = stage(t);
        scene.host.project.saved = before;
        const job = send(scene);
        scene.host.project.saved = after;
        scene.comp.name = "renamed";
        assert.match(again(scene, { job }), /in the comp/);
        assert.equal(scene.comp.numLayers, 2);
    });
}

test("two unsaved projects whose ids are equal share no jobs", (t) => {
    const scene = stage(t);
    scene.host.project.saved = null;
    const job = send(scene);
    scene.host.project.xmp = UNMARKED; // the other one
    assert.match(again(scene, { job }), /into the project only/);
    assert.equal(scene.comp.numLayers, 1);
});

test("a template that carries a mark: its copies are told apart by the footage", (t) => {
    const scene = stage(t);
    const job = send(scene);
    scene.host.project.saved = "/elsewhere/copy.aep";
    scene.item.read(new scene.host.disk.File(writeSequence(path.join(scene.host.root, "another"), "b.", 1001, 20)), true);
    assert.match(again(scene, { job }), /into the project only/);
    assert.equal(scene.comp.numLayers, 1);
});

test("footage that another file was put behind is another source, in the same project too", (t) => {
    const scene = stage(t);
    const job = send(scene);
    scene.item.read(new scene.host.disk.File(writeSequence(path.join(scene.host.root, "another"), "b.", 1001, 20)), true);
    assert.match(again(scene, { job }), /another source now/);
});

test("masks of the artist that are not on a part's key are told of", (t) => {
    const scene = stage(t);
    scene.layer.outPoint = 0.4;
    scene.layer.addMask("soft edge", { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true });
    roundTrip(scene);
    assert.match(scene.host.message(scene.panel), /own masks are not on the key/);
});

test("what Undo or the artist took away can be brought back again", (t) => {
    const scene = stage(t);
    roundTrip(scene);
    scene.comp.stack[0].remove();
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp/);
    assert.equal(scene.comp.stack[0].source.name, "hero v001 key");
    assert.equal(scene.comp.numLayers, 2);
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp already/);
});

test("a key that is in another project's comp is not brought into this one", (t) => {
    const scene = stage(t);
    roundTrip(scene);
    const items = scene.host.items.length;
    const before = scene.host.project.saved;
    scene.host.project.saved = "/elsewhere/other.aep";
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp already/);
    scene.host.project.saved = before;
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp already/);
    assert.deepEqual([scene.comp.numLayers, scene.host.items.length], [2, items]);
});

test("another source or size is stale: imported into the project only", (t) => {
    const scene = stage(t);
    const job = send(scene);
    assert.match(again(scene, { job, width: 128 }), /128 x 36, the source 64 x 36/);
    assert.equal(scene.comp.numLayers, 1);
    const replaced = stage(t);
    const sent = send(replaced);
    replaced.layer.source = replaced.host.addFootage(replaced.item.file.fsName);
    assert.match(again(replaced, { job: sent }), /another source now/);
});

test("one undo step, and no file or network work in it", (t) => {
    const scene = stage(t);
    const job = send(scene);
    scene.service.finish(job);
    scene.host.press(scene.panel, "Refresh");
    const asked = scene.service.asked.length;
    scene.host.border.names.length = 0;
    scene.host.press(scene.panel, "Bring back");
    assert.deepEqual(scene.host.undoSteps, ["DropKey: mark project", "DropKey: bring back hero.1001.png"]);
    assert.equal(scene.service.asked.length, asked);
    const names = scene.host.border.names;
    const within = names.slice(names.indexOf("Application.beginUndoGroup"), names.indexOf("Application.endUndoGroup"));
    assert.deepEqual(within.filter((name) => /^(Socket|File\.(open|write))/.test(name)), []);
});
