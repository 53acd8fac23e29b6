/** Placing: the key stands where its frames are, with what its source has, and Undo takes it back. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { roundTrip, send, stage } from "./stage.mjs";

const again = (scene, more) => { scene.service.finish(more.job, more); scene.host.press(scene.panel, "Refresh"); scene.host.press(scene.panel, "Bring back"); return scene.host.message(scene.panel); };

for (const [range, first] of [["Whole clip", 0], ["Layer trim", 0.2]]) {
    test(`holes at the front, ${range}: the first frame that is there stands at its own time`, (t) => {
        const scene = stage(t);
        scene.layer.startTime = 1;
        scene.host.choose(scene.panel, range);
        scene.layer.inPoint = 1 + first;
        const job = send(scene);
        const lost = job.frames.slice(0, 3);
        scene.service.finish(job, { change: (m) => { m.accepted = true; m.frames.slice(0, 3).forEach((frame) => { frame.state = "failed"; }); } });
        for (const pass of ["foreground", "alpha"]) for (const frame of lost) fs.rmSync(path.join(job.output, pass, `hero_${pass}.${frame}.exr`));
        scene.host.press(scene.panel, "Refresh");
        scene.host.press(scene.panel, "Bring back");
        const key = scene.comp.stack[0];
        assert.match(key.source.file.fsName, new RegExp(`${lost.at(-1) + 1}\\.exr$`));
        assert.ok(Math.abs(key.startTime - (1 + first + 3 / 25)) < 1e-9, `it starts at ${key.startTime}`);
        assert.ok(Math.abs(key.inPoint - key.startTime) < 1e-9 && Math.abs(key.outPoint - 1.8) < 1e-9);
        assert.match(scene.host.message(scene.panel), new RegExp(`holes at frames ${lost[0]}-${lost.at(-1)}`));
    });
}

test("the key has the pixel aspect that the artist gave to the source, again after a second version", (t) => {
    const scene = stage(t);
    scene.item.pixelAspect = 2;
    const job = roundTrip(scene);
    assert.equal(job.request.pixel_aspect, 2);
    const key = scene.comp.stack[0];
    assert.equal(key.source.pixelAspect, 2);
    scene.host.press(scene.panel, "Key again");
    again(scene, { job: [...scene.service.jobs.values()].at(-1) });
    assert.match(key.source.file.fsName, /v002/);
    assert.equal(key.source.pixelAspect, 2);
});

for (const version of [26, 22]) {
    test(`a part keeps the switches of its source, its track matte, and its opacity as it moves (After Effects ${version})`, (t) => {
        const scene = stage(t, { version });
        const { comp, layer, host } = scene;
        const matte = host.addLayer(comp, scene.item, { select: false });
        layer.selected = true;
        matte.moveBefore(layer);
        layer.trackMatteType = host.context.TrackMatteType.LUMA;
        const switches = { solo: true, motionBlur: true, blendingMode: host.context.BlendingMode.ADD, guideLayer: true, label: 7, shy: true, quality: host.context.LayerQuality.DRAFT, preserveTransparency: true, frameBlendingType: 4014, threeDLayer: true };
        Object.assign(layer, switches);
        layer.addStyle();
        layer.addEffect("Curves");
        host.evaluate("DropKeyPanel.shared.store.settings.effects = 'ignore'");
        const opacity = layer.property("ADBE Transform Group").property("ADBE Opacity");
        opacity.setValueAtTime(0, 0);
        opacity.setValueAtTime(0.4, 100);
        layer.outPoint = 0.4;
        roundTrip(scene);
        const key = comp.stack[layer.index - 2];
        assert.deepEqual(Object.fromEntries(Object.keys(switches).map((name) => [name, key[name]])), switches);
        assert.deepEqual([key.trackMatteType, key.matteLayer], [host.context.TrackMatteType.LUMA, matte]);
        assert.equal(key.property("ADBE Transform Group").property("ADBE Opacity").expression, "parent.transform.opacity");
        assert.ok(comp.visible({ guides: true }).includes(key), "the comp is not black");
        assert.match(host.message(scene.panel), /The source\u2019s effects, layer styles, material options are not on the key/);
    });
}

const OUTPUTS = ["Foreground with alpha", "Foreground; alpha in the project", "Plate with alpha as track matte"];

/** A movie with sound in the comp, selected alone. */
function withSound(t) {
    const scene = stage(t);
    const { host, comp } = scene;
    const movie = path.join(host.root, "take.mov");
    fs.writeFileSync(movie, "movie");
    host.movies.set(movie, { width: 64, height: 36, alpha: false, fps: 25, frames: 20, audio: true });
    const layer = host.addLayer(comp, host.addFootage(movie));
    return { ...scene, layer };
}

for (const output of OUTPUTS) {
    for (const [name, change] of [
        ["the whole clip", () => undefined],
        ["a part", ({ layer }) => { layer.outPoint = 0.4; }],
        ["an effect, so that it is rendered", ({ layer }) => { layer.addEffect("Lumetri"); }],
        ["a solo switch", ({ layer }) => { layer.solo = true; }],
        ["a precomp", (scene) => {
            const inner = scene.host.addComp("inner", { duration: 0.8 });
            scene.host.addLayer(inner, scene.layer.source);
            scene.layer.remove();
            scene.layer = scene.host.addLayer(scene.comp, inner);
        }],
        ["a source that the artist had silenced", ({ layer }) => { layer.audioEnabled = false; }],
    ]) {
        test(`${output}, ${name}: the sound of the source is heard as before, once`, (t) => {
            const scene = withSound(t);
            change(scene);
            scene.host.choose(scene.panel, output);
            const before = scene.comp.audible;
            const job = roundTrip(scene);
            assert.match(scene.host.message(scene.panel), /in the comp/);
            assert.deepEqual(scene.comp.audible, before);
            scene.host.press(scene.panel, "Key again");
            again(scene, { job: [...scene.service.jobs.values()].at(-1) });
            assert.notEqual(job.version, [...scene.service.jobs.values()].at(-1).version);
            assert.deepEqual(scene.comp.audible, before, "after a second version, too");
        });
    }
}

for (const output of OUTPUTS) {
    test(`${output}: a key is seen although its source is hidden already, by an earlier key or by the artist`, (t) => {
        const scene = withSound(t);
        const { comp, layer, host } = scene;
        host.choose(scene.panel, output);
        layer.outPoint = 0.4;
        roundTrip(scene);
        layer.outPoint = 0.8;
        const before = [...comp.stack];
        const job = send(scene);
        again(scene, { job, shot: "hero_b" });
        const fresh = comp.stack.filter((each) => !before.includes(each));
        assert.ok(fresh.length > 0, host.message(scene.panel));
        assert.deepEqual([layer.enabled, comp.visible().some((each) => fresh.includes(each))], [false, true]);
        assert.equal(comp.audible.length, 1);
    });
}

for (const [name, stretch, start] of [["reversed", -100, 0.8], ["slowed", 200, 0]]) {
    test(`a ${name} layer with effects: the key stands where the layer was seen, in before out`, (t) => {
        const scene = stage(t);
        const { layer, comp } = scene;
        layer.startTime = start;
        layer.stretch = stretch;
        layer.addEffect("Lumetri");
        const seen = [Math.min(layer.inPoint, layer.outPoint), Math.max(layer.inPoint, layer.outPoint)];
        roundTrip(scene);
        const key = comp.stack[layer.index - 2];
        assert.ok(key.inPoint < key.outPoint && Math.abs(key.inPoint - seen[0]) < 1e-9 && Math.abs(key.outPoint - seen[1]) < 1e-9, `${key.inPoint} to ${key.outPoint}`);
        assert.match(scene.host.message(scene.panel), /in the comp/);
    });
}

test("in- and out-point stay where the artist set them, whatever a new source or the end of time remapping does to them", (t) => {
    const scene = stage(t);
    const { layer, host, comp } = scene;
    host.choose(scene.panel, "Whole clip");
    layer.inPoint = 0.2;
    layer.outPoint = 0.6;
    roundTrip(scene);
    const key = comp.stack[layer.index - 2];
    assert.deepEqual([key.inPoint, key.outPoint], [layer.inPoint, layer.outPoint]);
});

test("Undo after bringing back leaves the comp as it was, and Redo brings the key again", (t) => {
    const scene = stage(t);
    const before = JSON.stringify([scene.comp.numLayers, scene.host.items.length, scene.layer.enabled, scene.layer.inPoint]);
    roundTrip(scene);
    const now = () => JSON.stringify([scene.comp.numLayers, scene.host.items.length, scene.layer.enabled, scene.layer.inPoint]);
    const after = now();
    assert.match(scene.host.history.undo(), /bring back/);
    assert.equal(now(), before);
    scene.host.history.redo();
    assert.equal(now(), after);
});
