/** Performs every step of docs/panel.md on the simulated host, in its order, with the panel file that was installed. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { find } from "./host/scriptui.mjs";
import { BUNDLE, stage } from "./stage.mjs";

const page = fs.readFileSync(new URL("../../docs/panel.md", import.meta.url), "utf8");
const scene = stage(null, { permission: false, load: false });
const { host, service, comp, layer } = scene;
service.leave();
const announce = () => { service.announce(); host.network.servers.set(service.address, (bytes) => service.answer(bytes)); };
let panel = null;
const press = (text) => { host.press(panel, text); return host.message(panel); };
const last = () => [...service.jobs.values()].at(-1);

const steps = {
    "Install the panel": () => {
        panel = host.load(BUNDLE);
        assert.match(host.status(panel), /press Refresh/);
    },
    "Let scripts write files": () => {
        assert.match(press("Refresh"), /Scripting & Expressions, tick Allow Scripts to Write Files and Access Network/);
        press("Open Preferences");
        assert.deepEqual([host.commands, host.permission], [[2359], false]);
        host.permission = true;
    },
    "Start the service": () => {
        press("Refresh");
        assert.match(host.status(panel), /not set up/);
        announce();
        press("Refresh");
        assert.match(host.status(panel), /ready/);
        service.override = ({ target }) => target === "/browser-links" && { bytes: "HTTP/1.1 201 X\r\ncontent-length: 33\r\n\r\n{\"url\":\"http://127.0.0.1:8765/?t\"}".replace("33", "34") };
        press("Dashboard");
        service.override = null;
        assert.match(host.systemCalls[0], /^open "http:\/\/127\.0\.0\.1:8765\/\?t"$/);
    },
    "Test one frame": () => {
        comp.time = 0.4;
        assert.match(press("Test frame"), /Frame 1011, keyed in/);
        assert.ok(find(panel, (widget) => widget.type === "image").visible);
        for (const view of ["Alpha", "Foreground", "Plate", "On grey"]) host.choose(panel, view);
        host.choose(panel, "Dirty screen (crush residue)");
        press("Test frame");
        assert.deepEqual(service.previews[1].job.settings, { alpha_floor: 0.05 });
        host.choose(panel, "Service default");
    },
    "Send the layer": () => {
        layer.addMask("garbage rig", { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true });
        assert.match(press("Key selected layers"), /is queued/);
        assert.deepEqual(host.renders, []);
        assert.deepEqual(Object.keys(last().request.mattes), ["garbage"]);
        const inner = host.addComp("inner");
        const nested = host.addLayer(comp, inner);
        host.press(panel, "Key selected layers");
        assert.equal(host.renders.length, 1);
        assert.match(last().request.plate, /DropKey plates/);
        nested.remove();
        layer.selected = true;
    },
    "Bring it back": () => {
        service.finish([...service.jobs.values()][0]);
        press("Refresh");
        find(panel, (widget) => widget.type === "listbox").selection = 1;
        press("Bring back");
        const key = comp.stack[layer.index - 2];
        assert.equal(key.source.name, "hero v001 key");
        assert.equal(key.property("ADBE Mask Parade").property(1).maskMode, host.context.MaskMode.NONE);
        const steps = host.undoSteps.filter((name) => name.startsWith("DropKey: bring back"));
        assert.deepEqual([layer.enabled, steps.length, host.undoDepth, host.looseEdits], [false, 1, 0, []]);
    },
    "Follow the jobs": () => {
        const list = () => find(panel, (widget) => widget.type === "listbox");
        list().selection = 0;
        for (const [button, state] of [["Pause", "paused"], ["Resume", "queued"], ["Cancel", "cancelled"], ["Retry", "queued"]]) {
            press(button);
            assert.match(host.jobs(panel)[0], new RegExp(state));
        }
        press("Sooner");
        assert.equal(last().priority, 60);
        Object.assign(last(), { state: "running", frames_done: 125, eta_seconds: 20 });
        press("Live");
        press("Refresh");
        assert.match(host.jobs(panel)[0], /125\/250.*20 s/);
        assert.equal(host.tasks.size, 1);
        host.fireTasks();
        press("Live");
        assert.equal(host.tasks.size, 0);
        const before = host.jobs(panel);
        panel.close();
        panel = host.load(BUNDLE);
        assert.deepEqual(host.jobs(panel), before);
        last().state = "needs_attention";
        press("Refresh");
        list().selection = 0;
        press("Accept");
        last().state = "cancelled";
        press("Refresh");
        press("Remove");
        assert.equal(host.jobs(panel).length, 1);
        assert.match(press("Bring all"), /No job of this project waits/);
    },
    "Key again": () => {
        const slider = find(panel, (widget) => widget.type === "slider");
        slider.value = 0.5;
        host.fire(slider, "onChange");
        press("Key again");
        assert.equal(last().request.settings.despill, 0.5);
        service.finish(last());
        press("Refresh");
        const layers = comp.numLayers;
        assert.match(press("Bring back"), /behind the layers that were there/);
        assert.equal(comp.numLayers, layers);
        assert.match(comp.stack[layer.index - 2].source.file.fsName, /v003/);
    },
    "Mind the color": () => {
        host.project.bitsPerChannel = 16;
        layer.outPoint = 0.6;
        assert.match(press("Key selected layers"), /16 bits per channel.*\u201cPlate with alpha as track matte\u201d/);
        assert.equal(host.project.bitsPerChannel, 16);
        press("Set 32 bits per channel");
        assert.equal(host.project.bitsPerChannel, 32);
        host.choose(panel, "ARRI LogC4");
        layer.outPoint = 0.4;
        press("Key selected layers");
        assert.equal(last().request.settings.encoding, "arri-logc4");
    },
    "Work without the service on this machine": () => {
        service.leave();
        const folders = ["drop", "output"].map((name) => path.join(host.root, "share", name));
        folders.forEach((folder) => fs.mkdirSync(folder, { recursive: true }));
        host.onDialog = (dialog) => {
            const lines = dialog.children.filter((line) => line.children.length > 1);
            lines.slice(0, 2).forEach((line, i) => {
                host.chosenFolder = folders[i];
                host.press(line, "Choose\u2026");
                assert.equal(line.children[1].text, folders[i]);
            });
            host.press(dialog, "OK");
        };
        press("Setup\u2026");
        press("Refresh");
        assert.match(host.status(panel), /shared folder/);
        layer.inPoint = 0.2;
        press("Key selected layers");
        assert.match(fs.readdirSync(folders[0])[0], /\.job\.json$/);
    },
};

const headings = [...page.matchAll(/^### \d+\. (.+)$/gm)].map((found) => found[1]);
assert.deepEqual(headings, Object.keys(steps), "docs/panel.md and this walkthrough tell the same steps");
const labels = new Set();
for (const heading of headings) {
    steps[heading]();
    const collect = (widget) => { if (widget.text) labels.add(widget.text); widget.children.forEach(collect); };
    collect(panel);
    console.log(`done: ${heading}`);
}
const sources = fs.readdirSync(new URL("../../ae_scripts/sources/", import.meta.url)).map((name) => fs.readFileSync(new URL(`../../ae_scripts/sources/${name}`, import.meta.url), "utf8"));
const text = (literals) => [...literals.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((found) => JSON.parse(`"${found[1]}"`)).join("");
// Every control's label stands on the page, and every sentence that the panel says of a problem.
const words = sources.find((source) => source.includes("var WORDS"));
for (const [, label] of words.slice(0, words.indexOf("};")).matchAll(/^ {4}"\w+": \[("(?:[^"\\]|\\.)*")/gm)) {
    labels.add(text(label));
    if (text(label) && !text(label).startsWith("DropKey")) assert.ok(page.includes(`**${text(label)}**`), `docs/panel.md says nothing of \u201c${text(label)}\u201d`);
}
const table = sources.find((source) => source.includes("var SAYS"));
const says = Object.fromEntries(Array.from(table.matchAll(/^ {4}(\w+): ((?:"(?:[^"\\]|\\.)*"\s*\+?\s*)+)/gm)).map(([, key, literals]) => [key, text(literals)]));
for (const source of sources) {
    for (const [, key] of source.matchAll(/problem\(\s*"[a-z-]+",\s*(?:filled\()?\s*SAYS\.(\w+)/g)) {
        const said = says[key].replace(/\{\d\}/g, "\u2026").replace(/: \u2026?\.?$/, ": \u2026");
        assert.ok(page.includes(`| ${said} |`), `docs/panel.md lacks the message: ${said}`);
    }
}
// So does every other sentence, but what to do about a problem, which the page says in its own words.
const fixes = new Set(sources.flatMap((source) => [...source.matchAll(/problem\(([^;]*?)\);/gs)].flatMap(([, inner]) => [...inner.matchAll(/SAYS\.(\w+)/g)].map(([, key]) => key))));
for (const [key, said] of Object.entries(says)) {
    const isSentence = said.split(" ").length > 3 && /^[A-Z\u201c{].*\.$/.test(said) && !fixes.has(key) && !/^(In Edit|It answered)/.test(said);
    if (isSentence) assert.ok(page.includes(`| ${said.replace(/\{\d\}/g, "\u2026")} |`), `docs/panel.md lacks the note: ${said}`);
}
labels.add("Open Preferences").add("Set 32 bits per channel");
const told = new Set([...page.matchAll(/\*\*([A-Z][^*]+)\*\*/g)].map((found) => found[1]));
for (const name of told) assert.ok(labels.has(name), `docs/panel.md names a button \u201c${name}\u201d that the panel does not have`);
host.dispose();
