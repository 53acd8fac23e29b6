/** The render queue: only ours runs, everything else is as before, and what comes out is checked. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { RQItemStatus } from "./host/queue.mjs";
import { send, stage } from "./stage.mjs";

function precomp(t, options) {
    const scene = stage(t, options);
    const inner = scene.host.addComp("inner", { fps: 25, duration: 10 });
    scene.host.addLayer(inner, scene.item);
    scene.host.project.activeItem = scene.comp;
    scene.comp.stack.length = 0;
    scene.layer = scene.host.addLayer(scene.comp, inner);
    scene.layer.inPoint = 0.2;
    scene.layer.outPoint = 0.6;
    return scene;
}

const failed = (scene) => { scene.host.press(scene.panel, "Key selected layers"); return scene.host.message(scene.panel); };
const clean = (scene) => {
    assert.equal(scene.host.rawQueue.numItems, 0);
    assert.ok(!scene.host.items.some((item) => item.name === "DropKey temporary"));
};

test("a precomp is rendered plain, in its own size and span, and leaves no trace", (t) => {
    const scene = precomp(t);
    const { layer, host } = scene;
    layer.property("ADBE Transform Group").property("ADBE Scale").setValue([50, 50]);
    layer.property("ADBE Transform Group").property("ADBE Position").setValueAtTime(0, [9, 9]);
    layer.property("ADBE Transform Group").property("ADBE Opacity").expression = "50";
    layer.addMask("core", { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true });
    const { request, drawn } = send(scene);
    const [render] = host.renders;
    assert.deepEqual([render.start, render.count, render.comp.width, render.comp.height], [0.2, 10, 64, 36]);
    const plain = (name) => render.layer.property("ADBE Transform Group").property(name);
    assert.deepEqual([plain("ADBE Scale").value, plain("ADBE Position").value, plain("ADBE Opacity").expression], [[100, 100], [32, 18], ""]);
    assert.equal(render.layer.property("ADBE Mask Parade").property(1).maskMode, host.context.MaskMode.NONE);
    assert.equal(render.output.Format, "PNG Sequence");
    assert.match(request.plate, /DropKey plates.*_#####\.png$/);
    assert.equal(request.frames, "1-10");
    assert.deepEqual([request.settings, request.encoded_like], [{}, [scene.item.file.fsName]]);
    assert.deepEqual(Object.keys(drawn.core.frames), ["1"]);
    clean(scene);
    assert.deepEqual(host.modals, []);
});

test("a comp whose time starts elsewhere is rendered at its display time", (t) => {
    const scene = precomp(t);
    const original = scene.host.classes.CompItem;
    assert.ok(original);
    scene.host.border.out(scene.comp).displayStartTime = 10;
    send(scene);
    assert.equal(scene.host.renders[0].count, 10);
    assert.deepEqual(scene.host.modals, []);
});

test("other items of the queue are neither rendered nor changed", (t) => {
    const scene = precomp(t);
    const queue = scene.host.rawQueue;
    const [a, b, c] = [0, 1, 2].map(() => queue.items.add(scene.comp));
    b.render = false;
    c.status = RQItemStatus.DONE;
    send(scene);
    assert.deepEqual([a, b, c].map((item) => [item.render, item.status]), [[true, RQItemStatus.QUEUED], [false, RQItemStatus.UNQUEUED], [true, RQItemStatus.DONE]]);
    assert.equal(scene.host.renders.length, 1);
    assert.equal(queue.numItems, 3);
});

for (const [name, change, told] of [
    ["stopped by the artist", (h) => { h.stopAfter = 3; }, /stopped or failed/],
    ["no template at all", (h) => { h.hiddenTemplates = {}; h.missingTemplates.add("TIFF Sequence with Alpha"); }, /no output template.*Edit > Templates/],
    ["an own template that is gone", (h) => h.evaluate("DropKeyPanel.shared.store.settings.renderTemplate = 'My EXR'"), /\u201cMy EXR\u201d does not work/],
    ["an unsaved project", (h) => { h.project.saved = null; }, /not saved/],
]) {
    test(`${name}: told, and the queue is as before`, (t) => {
        const scene = precomp(t);
        const other = scene.host.rawQueue.items.add(scene.comp);
        change(scene.host);
        assert.match(failed(scene), told);
        assert.equal(other.render, true);
        assert.equal(scene.host.rawQueue.numItems, 1);
        assert.equal(scene.service.jobs.size, 0);
        assert.ok(!scene.host.items.some((item) => item.name === "DropKey temporary"));
    });
}

test("templates in their order: the artist's, the hidden one if it writes PNG, then TIFF", (t) => {
    const own = precomp(t);
    own.host.ownTemplates["My EXR"] = { Format: "OpenEXR Sequence", Channels: "RGB", Depth: "Floating Point" };
    own.host.evaluate("DropKeyPanel.shared.store.settings.renderTemplate = 'My EXR'");
    const job = send(own);
    assert.match(job.request.plate, /\.exr$/);
    assert.equal(job.request.settings.encoding, "linear");
    const changed = precomp(t);
    changed.host.hiddenTemplates["_HIDDEN X-Factor 16"] = { Format: "QuickTime", Channels: "RGB", Depth: "Millions of Colors" };
    assert.match(send(changed).request.plate, /\.tif$/);
});

for (const [name, change, reason] of [
    ["effects", (s) => s.layer.addEffect("Lumetri"), /it has effects/],
    ["time remapping", (s) => { s.layer.timeRemapEnabled = true; }, /time remapping/],
    ["fields", (s) => { s.item.mainSource.fieldSeparationType = 5613; }, /separates its fields/],
    ["a loop", (s) => { s.item.mainSource.loop = 3; }, /looped/],
]) {
    test(`a file with ${name} is rendered`, (t) => {
        const scene = stage(t);
        change(scene);
        assert.match(send(scene).request.plate, /DropKey plates/);
        assert.equal(scene.host.renders.length, 1);
        assert.match(scene.host.evaluate("DropKeyPanel.shared.store.jobs[0].rendered ? 'it' : ''"), /it/);
        assert.ok(reason);
        clean(scene);
    });
}

test("effects can be left out: then the file itself is sent", (t) => {
    const scene = stage(t);
    scene.layer.addEffect("Keylight");
    scene.host.choose(scene.panel, "Send file without effects");
    assert.match(send(scene).request.plate, /hero\.####\.png$/);
    assert.deepEqual(scene.host.renders, []);
});

test("what was rendered in is switched off on the copy only", (t) => {
    const scene = stage(t);
    const { layer, comp } = scene;
    layer.addEffect("Lumetri");
    layer.timeRemapEnabled = true;
    layer.outPoint = 0.8;
    const job = send(scene);
    scene.service.finish(job);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp/);
    const copy = comp.stack[0];
    assert.deepEqual([copy.property("ADBE Effect Parade").property(1).enabled, copy.timeRemapEnabled], [false, false]);
    assert.deepEqual([layer.property("ADBE Effect Parade").property(1).enabled, layer.timeRemapEnabled, layer.enabled], [true, true, false]);
    assert.equal(copy.source.mainSource.conformFrameRate, 25);
});

test("a rendered part stands where it was rendered, untouched by the source's speed", (t) => {
    const scene = precomp(t);
    scene.layer.stretch = 200;
    scene.layer.inPoint = 0.4;
    scene.layer.outPoint = 0.8;
    const job = send(scene);
    scene.service.finish(job);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    const key = scene.comp.stack[0];
    assert.ok(Math.abs(key.startTime - 0.4) < 1e-9 && key.stretch === 100);
    assert.ok(Math.abs(key.outPoint - 0.8) < 1e-9);
});

test("the encoding of a render follows the project's working space", (t) => {
    for (const [space, encoding] of [["", undefined], ["None", undefined], ["sRGB IEC61966-2.1", "srgb"], ["Rec.709 Gamma 2.4", "rec709"], ["P3 D65", "display-p3"], ["Adobe RGB (1998)", "adobe-rgb"], ["Rec. ITU-R BT.2020-1", "rec2020"]]) {
        const scene = precomp(t);
        scene.host.project.workingSpace = space;
        const { settings, encoded_like: like } = send(scene).request;
        assert.equal(settings.encoding, encoding, space);
        assert.deepEqual(like, encoding ? undefined : [scene.item.file.fsName], "without a working space, the files say it themselves");
    }
    const strange = precomp(t);
    strange.host.project.workingSpace = "Studio X";
    send(strange);
    assert.match(strange.host.message(strange.panel), /\u201cStudio X\u201d has no name here/);
});

test("of a layer that sticks out of its comp, what the comp shows is rendered", (t) => {
    const scene = precomp(t);
    scene.layer.startTime = -0.4;
    scene.comp.duration = 0.2;
    send(scene);
    assert.deepEqual([scene.host.renders[0].start, scene.host.renders[0].count], [0, 5]);
    assert.deepEqual(scene.host.modals, []);
    clean(scene);
});

test("a test frame of a precomp renders one frame", (t) => {
    const scene = precomp(t);
    scene.comp.time = 0.4;
    scene.host.press(scene.panel, "Test frame");
    assert.deepEqual([scene.host.renders[0].start, scene.host.renders[0].count], [0.4, 1]);
    assert.equal(scene.service.previews[0].frame, 1);
    clean(scene);
});

for (const [button, change, told] of [
    ["Key selected layers", () => undefined, /is queued/],
    ["Test frame", (scene) => { scene.comp.time = 0.4; }, /keyed in/],
    ["Key selected layers", (scene) => { scene.host.stopAfter = 3; }, /stopped or failed/],
]) {
    test(`${button}, ${told.source}: a render stands in no undo group, and Undo takes back what was made around it`, (t) => {
        const scene = precomp(t);
        const { host } = scene;
        const other = host.rawQueue.items.add(scene.comp);
        const before = host.items.length;
        change(scene);
        host.press(scene.panel, button);
        assert.match(host.message(scene.panel), told);
        assert.deepEqual([host.renders[0].inGroup, host.undoDepth, host.looseEdits], [false, 0, []]);
        const ours = host.history.steps.filter((step) => /inner/.test(step.name)).map((step) => step.name);
        assert.deepEqual(ours, ["DropKey: prepare inner", "DropKey: clear up after inner"]);
        host.history.undo();
        host.history.undo();
        assert.deepEqual([host.items.length, host.rawQueue.numItems, other.render], [before, 1, true]);
        host.history.redo();
        assert.equal(host.items.length, before + 1);
        host.press(scene.panel, button);
        clean({ host: { ...host, rawQueue: { numItems: host.rawQueue.numItems - 1 }, items: host.items } });
    });
}

test("a layer with a parent, an expression, a matte and effects that name other layers is rendered with all of them", (t) => {
    const scene = stage(t);
    const { host, comp, layer } = scene;
    const [matte, parent] = ["matte", "parent"].map((name) => Object.assign(host.addLayer(comp, scene.item, { select: false }), { name }));
    layer.selected = true;
    layer.parent = parent;
    layer.setTrackMatte(matte, host.context.TrackMatteType.ALPHA);
    layer.addEffect("Set Matte", { layer: matte });
    layer.addEffect("Glow", { expression: "thisComp.layer('parent').opacity" });
    layer.source = Object.assign(host.addComp("inner"), { duration: 0.8 });
    Object.assign(layer, { guideLayer: true, collapseTransformation: true });
    layer.addStyle();
    [matte.solo, parent.locked] = [true, true];
    const order = comp.stack.map((each) => each.name);
    assert.match(send(scene)?.request.plate ?? host.message(scene.panel), /DropKey plates/);
    const [render] = host.renders;
    assert.deepEqual(render.layers.map((each) => each.name), [layer.name]);
    const [setMatte, glow] = render.layer.property("ADBE Effect Parade").children;
    assert.deepEqual([setMatte.layer.name, setMatte.layer.comp === render.comp, glow.expression], ["matte", true, "thisComp.layer('parent').opacity"]);
    assert.deepEqual([render.layer.parent, render.layer.trackMatteType, render.layer.collapseTransformation], [null, host.context.TrackMatteType.NO_TRACK_MATTE, false]);
    assert.equal(render.layer.property("ADBE Layer Styles").enabled, false);
    assert.match(host.message(scene.panel), /is collapsed: it was rendered by itself/);
    assert.deepEqual([comp.stack.map((each) => each.name), matte.solo, parent.locked, layer.parent], [order, true, true, parent]);
    clean(scene);
});

test("every render setting that matters is set by number, whatever the user's template and language", (t) => {
    const scene = precomp(t);
    Object.assign(scene.host, { language: "de", visibleTemplates: { "Verlustfrei": { Format: "AVI", Channels: "RGB", Depth: "Millions of Colors" } } });
    scene.host.hiddenTemplates = { "_VERBORGEN X-Faktor 8": { Format: "PNG-Sequenz", Channels: "RGB", Depth: "Millions of Colors" }, "_VERBORGEN X-Faktor 16": { Format: "PNG-Sequenz", Channels: "RGB", Depth: "Trillions of Colors", "Crop": true, "Resize": true } };
    send(scene);
    const [{ settings, output, count }] = scene.host.renders;
    const wanted = { "Quality": 2, "Field Render": 0, "3:2 Pulldown": 0, "Frame Rate": 0, "Skip Existing Files": false, "Guide Layers": 0, "Proxy Use": 0, "Solo Switches": 2, "Effects": 2, "Color Depth": -1, "Frame Blending": 1, "Motion Blur": 1, "Resolution": [1, 1] };
    assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, key === "Resolution" ? Array.from(settings[key]) : settings[key]])), wanted);
    assert.deepEqual([output.Depth, output.Crop, output.Resize, count], ["Trillions of Colors", false, false, 10]);
    assert.match([...scene.service.jobs.values()][0].request.plate, /\.png$/);
});

test("After Effects decides how many frames a span of an odd rate has", (t) => {
    const scene = precomp(t);
    scene.comp.frameRate = 23.976;
    scene.layer.inPoint = 0;
    scene.layer.outPoint = 10.2 / 23.976;
    send(scene);
    assert.equal(scene.host.renders[0].count, 11);
    assert.equal([...scene.service.jobs.values()][0]?.request.frames, "1-11", scene.host.message(scene.panel));
});

test("a movie and its render without working space are told the same encoding; a mixed precomp says so", (t) => {
    const scene = stage(t);
    const movie = path.join(scene.host.root, "take.mov");
    fs.writeFileSync(movie, "movie");
    scene.host.movies.set(movie, { width: 64, height: 36, alpha: false, fps: 25, frames: 50 });
    const footage = scene.host.addFootage(movie);
    const layer = scene.host.addLayer(scene.comp, footage);
    layer.addEffect("Lumetri");
    const plain = send(scene).request;
    assert.deepEqual([plain.settings.encoding, plain.encoded_like], [undefined, [movie]], "its own tags decide, which the service reads");
    const inner = scene.host.addComp("inner");
    for (const item of [scene.item, footage]) scene.host.addLayer(inner, item);
    scene.host.addLayer(scene.comp, inner);
    assert.deepEqual(send(scene).request.encoded_like, [movie, scene.item.file.fsName]);
    scene.host.press(scene.panel, "Test frame");
    assert.deepEqual(scene.service.previews[0].job.encoded_like, [movie, scene.item.file.fsName]);
    layer.selected = true;
    scene.comp.stack[0].selected = false;
    scene.host.choose(scene.panel, "ARRI LogC4");
    layer.selected = false;
    scene.comp.stack[0].selected = true;
    scene.comp.stack[0].outPoint = 0.4;
    assert.deepEqual([send(scene).request.settings.encoding, [...scene.service.jobs.values()].at(-1).request.encoded_like], ["arri-logc4", undefined]);
    assert.match(scene.host.message(scene.panel), /\u201cinner\u201d mixes footage of several encodings/);
});

test("three test frames of a precomp share one folder, which holds the last", (t) => {
    const scene = precomp(t);
    for (const time of [0.2, 0.3, 0.4]) {
        scene.comp.time = time;
        scene.host.clock.advance(50);
        scene.host.press(scene.panel, "Test frame");
    }
    const plates = path.join(scene.host.root, "DropKey plates");
    assert.deepEqual(fs.readdirSync(plates), ["test frames"]);
    assert.equal(fs.readdirSync(path.join(plates, "test frames")).length, 1);
    assert.equal(new Set(scene.service.previews.map((each) => each.job.plate)).size, 3);
});

test("a test frame of a precomp is rendered once for all choices that are tried on it, and anew after a change", (t) => {
    const scene = precomp(t);
    scene.comp.time = 0.4;
    scene.host.press(scene.panel, "Test frame");
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    scene.host.press(scene.panel, "Test frame");
    assert.equal(scene.host.renders.length, 1);
    assert.equal(scene.host.history.steps.length, 2);
    assert.deepEqual(scene.service.previews.map((each) => each.job.settings.alpha_floor), [undefined, 0.05]);
    scene.host.history.loose("the artist's edit");
    scene.host.press(scene.panel, "Test frame");
    assert.equal(scene.host.renders.length, 2);
});

test("no task waits while the queue renders, and Live goes on afterwards", (t) => {
    const scene = precomp(t);
    scene.host.press(scene.panel, "Live");
    send(scene);
    scene.layer.outPoint = 0.5;
    scene.host.clock.advance(5);
    send(scene);
    assert.deepEqual([scene.host.renders.map((each) => each.tasks), scene.host.tasks.size], [[0, 0], 1]);
});

test("each render has a folder of its own, so no file is ever in the way", (t) => {
    const scene = precomp(t);
    send(scene);
    scene.layer.outPoint = 0.5;
    scene.host.clock.advance(5);
    send(scene);
    assert.equal(fs.readdirSync(path.join(scene.host.root, "DropKey plates")).length, 2);
    assert.deepEqual(scene.host.modals, []);
});
