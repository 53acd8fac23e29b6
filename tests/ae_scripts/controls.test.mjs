/** The controls: none is cut off in a narrow column, each explains itself, and what was typed or remembered counts. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { layOut } from "./host/measure.mjs";
import { tinyPng } from "./host/queue.mjs";
import { find } from "./host/scriptui.mjs";
import { BUNDLE, send, stage, writeSequence } from "./stage.mjs";

const all = (root, list = []) => { root.children.forEach((child) => { list.push(child); all(child, list); }); return list; };
const last = (scene) => [...scene.service.jobs.values()].at(-1);
const press = (scene, text) => { scene.host.press(scene.panel, text); return scene.host.message(scene.panel); };

for (const width of [280, 400, 700]) {
    test(`at ${width} pixels nothing is cut off, whatever is shown`, (t) => {
        const scene = stage(t);
        scene.service.picture = tinyPng(640, 360);
        scene.host.resize(scene.panel, [width, 900]);
        const sound = () => {
            const cut = layOut(scene.panel, width);
            assert.deepEqual(cut.map((each) => `${each.type} ${each.text}`), []);
            const picture = find(scene.panel, (each) => each.type === "image");
            if (picture.visible) assert.ok(picture.size[0] >= width - 20 || picture.size[0] >= 640);
        };
        sound();
        press(scene, "Test frame");
        sound();
        Object.assign(send(scene), { state: "paused" });
        press(scene, "Refresh");
        sound();
        scene.host.project.bitsPerChannel = 16;
        scene.service.finish(last(scene));
        press(scene, "Refresh");
        press(scene, "Bring back");
        sound();
        scene.host.permission = false;
        press(scene, "Refresh");
        sound();
    });
}

test("every control that does something explains itself", (t) => {
    const { panel } = stage(t);
    const silent = all(panel).filter((each) => ["button", "checkbox", "dropdownlist", "slider", "edittext", "listbox"].includes(each.type) && each.visible && !(each.helpTip?.length > 20));
    assert.deepEqual(silent.map((each) => `${each.type} ${each.text}`), []);
    assert.deepEqual([panel.minimumSize[0] <= 280, panel.minimumSize[1] <= 200], [true, true]);
});

test("what grows and shrinks is laid out and given its room, not one without the other", (t) => {
    const scene = stage(t);
    press(scene, "Refresh");
    const message = find(scene.panel, (each) => each.properties.multiline);
    assert.equal(message.size[0], scene.panel.size[0] - 16);
});

test("a group that is folded takes no room, also after a restart", (t) => {
    const scene = stage(t);
    press(scene, "\u25be Key");
    const hidden = (panel) => find(panel, (each) => each.type === "slider").parent.parent;
    assert.deepEqual([hidden(scene.panel).visible, hidden(scene.panel).maximumSize[1]], [false, 0]);
    const again = scene.host.load(BUNDLE);
    assert.deepEqual([hidden(again).visible, hidden(again).maximumSize[1]], [false, 0]);
    scene.host.press(again, "\u25b8 Key");
    assert.equal(hidden(again).visible, true);
});

test("a number that was typed without Enter counts", (t) => {
    const scene = stage(t);
    scene.layer.inPoint = 0.2;
    find(scene.panel, (each) => each.type === "edittext").text = "3";
    assert.equal(send(scene).request.frames, "1003-1020");
});

test("how a plate is encoded is remembered for its footage, whichever way it goes and in whatever panel", (t) => {
    const scene = stage(t);
    const { host, comp } = scene;
    host.choose(scene.panel, "ARRI LogC4");
    assert.equal(send(scene).request.settings.encoding, "arri-logc4");
    scene.layer.addEffect("Lumetri");
    assert.equal(send(scene).request.settings.encoding, "arri-logc4");
    const inner = host.addComp("inner");
    host.addLayer(inner, scene.item);
    host.addLayer(comp, inner);
    assert.equal(send(scene).request.settings.encoding, "arri-logc4");
    const other = host.addFootage(writeSequence(path.join(host.root, "b"), "b_", 1, 5));
    host.addLayer(comp, other);
    assert.deepEqual(send(scene).request.settings, {});
    const beside = host.load(BUNDLE);
    const shown = () => find(beside, (each) => each.items.some((item) => item.text === "ARRI LogC4")).selection.text;
    assert.equal(shown(), "Auto");
    comp.stack.forEach((each) => { each.selected = each === scene.layer; });
    host.press(beside, "Refresh");
    assert.equal(shown(), "ARRI LogC4");
});

test("with Shift, a layer is sent with the choices that its footage was sent with last", (t) => {
    const scene = stage(t);
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    send(scene);
    press(scene, "Reset");
    scene.layer.inPoint = 0.2;
    assert.deepEqual(send(scene).request.settings, {});
    scene.host.choose(scene.panel, "Holes in the subject (fill)");
    scene.layer.inPoint = 0.4;
    scene.host.shift = true;
    assert.deepEqual(send(scene).request.settings, {});
    const fresh = stage(t);
    fresh.host.shift = true;
    assert.match(press(fresh, "Key selected layers"), /was not sent before/);
});

test("the screen's color is sampled out of the comp: a point, a second press, and nothing stays on the layer", (t) => {
    const scene = stage(t);
    const { layer, host } = scene;
    const effects = () => layer.property("ADBE Effect Parade").children;
    assert.match(press(scene, "Sample"), /Drag the point/);
    effects()[0].property(1).setValue([7, 9]);
    let asked = null;
    host.pixelAt = (point) => { asked = Array.from(point); return [0.1, 0.5, 0.2, 1]; };
    assert.match(press(scene, "Sample"), /linear 0\.010, 0\.214, 0\.033/);
    assert.deepEqual([asked, effects().length, host.undoDepth, host.looseEdits], [[7, 9], 0, 0, []]);
    assert.deepEqual(send(scene).request.settings.screen_color.map((each) => Math.round(each * 1000)), [10, 214, 33]);
    assert.deepEqual(host.history.steps.map((step) => step.name).slice(0, 2), ["DropKey: point onto the screen", "DropKey: sample the screen"]);
});

test("a camera's log curve is not sampled as if it were another: the swatch is named instead, and nothing stays", (t) => {
    const scene = stage(t);
    scene.host.choose(scene.panel, "ARRI LogC4");
    press(scene, "Sample");
    scene.host.pixelAt = () => [0.1, 0.5, 0.2, 1];
    assert.match(press(scene, "Sample"), /arri-logc4[^]*Pick/);
    assert.deepEqual([scene.layer.property("ADBE Effect Parade").children.length, scene.host.undoDepth], [0, 0]);
    assert.equal(send(scene).request.settings.screen_color, undefined);
});

test("pixel by pixel: the test frame is keyed in full size, drawn unscaled, and moved by a click", (t) => {
    const scene = stage(t);
    scene.service.picture = tinyPng(1920, 1080);
    scene.host.choose(scene.panel, "1:1");
    press(scene, "Test frame");
    assert.equal(scene.service.previews[0].longest_side, undefined);
    const picture = find(scene.panel, (each) => each.type === "image");
    let drawn = scene.host.drawn(picture);
    assert.deepEqual([drawn.width, drawn.height], [1920, 1080]);
    scene.host.click(picture, 0, 0);
    drawn = scene.host.drawn(picture);
    assert.ok(drawn.left < 0 && drawn.left > -1920 + picture.size[0] && drawn.top <= 0);
    scene.host.choose(scene.panel, "4:1");
    drawn = scene.host.drawn(picture);
    assert.deepEqual([drawn.width, drawn.height], [7680, 4320]);
    scene.host.click(picture, picture.size[0], picture.size[1]);
    assert.ok(scene.host.drawn(picture).left < drawn.left, "the part that was clicked comes to the middle");
    scene.host.choose(scene.panel, "Fit");
    assert.ok(scene.host.drawn(picture).width <= picture.size[0]);
    press(scene, "Test frame");
    assert.equal(scene.service.previews[1].longest_side, 640);
});

test("before and after: the plate is shown while it is ticked, and nothing is asked for it", (t) => {
    const scene = stage(t);
    press(scene, "Test frame");
    const asked = scene.service.asked.length;
    const shown = () => find(scene.panel, (each) => each.type === "image").image.picture;
    press(scene, "Before");
    assert.match(shown(), /plate\.png$/);
    press(scene, "Before");
    assert.match(shown(), /grey\.png$/);
    assert.equal(scene.service.asked.length, asked);
});

test("label and folder of what comes back follow Setup", (t) => {
    for (const [scheme, folder] of [["one", "DropKey"], ["comp", "shot 10"], ["source", "plates"]]) {
        const scene = stage(t);
        const { host } = scene;
        scene.item.parentFolder = Object.assign(host.keep(new host.classes.FolderItem()), { name: "plates" });
        host.evaluate(`DropKeyPanel.shared.store.settings.folderScheme = '${scheme}'; DropKeyPanel.shared.store.settings.labelColor = 9;`);
        scene.service.finish(send(scene));
        press(scene, "Refresh");
        press(scene, "Bring back");
        const item = host.items.find((each) => each.name === "hero v001 key");
        assert.deepEqual([item?.parentFolder.name, item?.label], [folder, 9], scene.host.message(scene.panel));
    }
});

test("the bundle is small, and loads within a second of After Effects", (t) => {
    assert.ok(fs.statSync(BUNDLE).size <= 220 * 1024, `${fs.statSync(BUNDLE).size} bytes`);
    const { host } = stage(t, { load: false });
    const [before, cpu] = [host.clock.offset, process.cpuUsage()];
    host.load(BUNDLE);
    assert.ok(host.clock.offset - before < 1000);
    assert.ok(process.cpuUsage(cpu).user < 1e6, "CPU of this process");
});
