/** Presets: the service's own, in every panel; saved with the choices of now, and remembered where nobody answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { find } from "./host/scriptui.mjs";
import { BUNDLE, send, stage } from "./stage.mjs";

const press = (scene, text) => { scene.host.press(scene.panel, text); return scene.host.message(scene.panel); };
const list = (panel) => find(panel, (each) => each.type === "dropdownlist" && each.items.some((item) => item.text === "Service default"));
const offered = (panel) => list(panel).items.map((item) => item.text).slice(4);
const slider = (scene) => find(scene.panel, (each) => each.type === "slider");

/** Presses a button of the presets' dialog, with a name typed into it. */
function inDialog(scene, name, button) {
    scene.host.onDialog = (dialog) => {
        if (name !== null) find(dialog, (each) => each.type === "edittext").text = name;
        scene.host.press(dialog, button);
    };
    return press(scene, "Presets\u2026");
}

test("what the service has is offered after a Refresh, in every open panel, and changes no choice", (t) => {
    const scene = stage(t);
    const beside = scene.host.load(BUNDLE);
    scene.host.choose(scene.panel, "Holes in the subject (fill)");
    scene.service.presets.push({ name: "Show 7", settings: { despill: 0.4 }, comes_with_dropkey: false });
    press(scene, "Refresh");
    for (const panel of [scene.panel, beside]) assert.deepEqual([offered(panel), list(panel).selection.text], [["Show 7"], "Holes in the subject (fill)"]);
    assert.deepEqual(send(scene).request.settings, { alpha_ceiling: 0.95 });
});

test("the choices of now are saved under a name, used again, and taken away", (t) => {
    const scene = stage(t);
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    slider(scene).value = 0.6;
    scene.host.fire(slider(scene), "onChange");
    assert.match(inDialog(scene, " H\u00e9ros & Co 50% ", "Save"), /\u201cH\u00e9ros & Co 50%\u201d is kept/);
    assert.deepEqual(scene.service.presets.at(-1), { name: "H\u00e9ros & Co 50%", settings: { alpha_floor: 0.05, despill: 0.6 }, comes_with_dropkey: false });
    press(scene, "Reset");
    assert.equal(slider(scene).value, 1);
    scene.host.choose(scene.panel, "H\u00e9ros & Co 50%");
    assert.equal(slider(scene).value, 0.6, "what it says of a choice is shown there");
    assert.deepEqual(send(scene).request.settings, { alpha_floor: 0.05, despill: 0.6 });
    slider(scene).value = 1;
    scene.host.fire(slider(scene), "onChange");
    scene.layer.inPoint = 0.2;
    assert.deepEqual(send(scene).request.settings, { alpha_floor: 0.05 }, "what is changed afterwards counts");
    assert.match(inDialog(scene, null, "Remove preset"), /is gone/);
    assert.deepEqual([offered(scene.panel), list(scene.panel).selection.text], [[], "Service default"]);
});

test("any other setting is typed, counts without Enter, is shown of a preset, and goes when it is emptied", (t) => {
    const scene = stage(t);
    const names = () => find(scene.panel, (each) => each.type === "dropdownlist" && each.items.some((item) => item.text === "Soften, px"));
    const fields = [];
    find(scene.panel, (each) => { if (each.type === "edittext") fields.push(each); return false; });
    const field = fields.find((each) => /Any other setting/.test(each.helpTip));
    const type = (name, text) => { scene.host.choose(scene.panel, name); field.text = text; scene.host.fire(field, "onChange"); };
    type("Choke, px (\u2212: spread)", "-0.5");
    type("Despill bias, R, G, B", "0.5, 0.32, 0.25");
    type("Despill: all, edges", "edges");
    type("Steady over time: auto, off", "off");
    type("Working space", "ACEScg");
    scene.host.choose(scene.panel, "Soften, px");
    field.text = "{\"1001\": 0, \"1010\": 4}";
    const wanted = { choke: -0.5, despill_bias: [0.5, 0.32, 0.25], despill_where: "edges", temporal: "off", soften: { 1001: 0, 1010: 4 }, delivery: { color_space: "ACEScg" } };
    assert.deepEqual(send(scene).request.settings, wanted);
    scene.host.choose(scene.panel, "Choke, px (\u2212: spread)");
    assert.equal(field.text, "-0.5");
    type("Choke, px (\u2212: spread)", "");
    scene.host.choose(scene.panel, "Holes in the subject (fill)");
    scene.host.choose(scene.panel, "Alpha ceiling");
    assert.equal(field.text, "0.95", "what the preset says of it");
    assert.ok(names().selection);
    scene.layer.inPoint = 0.2;
    assert.deepEqual(send(scene).request.settings, { alpha_ceiling: 0.95 });
});

test("a picked screen travels in a preset; one that says none leaves the picked one", (t) => {
    const scene = stage(t);
    scene.host.color = 0x00b140;
    press(scene, "Pick\u2026");
    inDialog(scene, "Stage 2", "Save");
    assert.deepEqual(scene.service.presets.at(-1).settings, { screen_color: [0, 0.439657, 0.051269] });
    press(scene, "Reset");
    scene.host.choose(scene.panel, "Stage 2");
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    assert.deepEqual(send(scene).request.settings, { alpha_floor: 0.05, screen_color: [0, 0.439657, 0.051269] });
});

test("without the service its presets of last time count, and saving says that it is away", (t) => {
    const scene = stage(t);
    scene.service.presets.push({ name: "Show 7", settings: { alpha_floor: 0.2 }, comes_with_dropkey: false });
    press(scene, "Refresh");
    scene.service.leave();
    press(scene, "Refresh");
    assert.deepEqual(offered(scene.panel), ["Show 7"]);
    assert.match(inDialog(scene, "New", "Save"), /does not run on this machine/);
    const again = stage(t, { root: scene.host.root, load: false, service: false });
    again.host.settings = scene.host.settings;
    again.panel = again.host.load(BUNDLE);
    assert.deepEqual(offered(again.panel), ["Show 7"]);
});

test("what cannot be saved is told in the service's words, and a name is asked for", (t) => {
    const scene = stage(t);
    assert.match(inDialog(scene, "dirty screen (crush residue)", "Save"), /comes with DropKey.*Choose another name/);
    assert.match(inDialog(scene, "  ", "Save"), /has no name\. Type one\./);
    assert.match(inDialog(scene, "none", "Remove preset"), /There is no preset/);
    assert.deepEqual(list(scene.panel).items.length, 4);
});

test("an answer that is no list of presets changes nothing", (t) => {
    const scene = stage(t);
    for (const body of ["{}", '{"presets": 7}', '{"presets": []}', '{"presets": [{"name": 7}, null]}', "null", "[]"]) {
        scene.service.override = ({ target }) => target === "/presets" && { bytes: `HTTP/1.1 200 X\r\ncontent-length: ${body.length}\r\n\r\n${body}` };
        assert.match(press(scene, "Refresh"), /DropKey is ready/);
        assert.equal(list(scene.panel).items.length, 4, body);
    }
});
