/** What most tests begin with: a host, a scripted service, a comp with a green-screen sequence, and the panel. */
import fs from "node:fs";
import path from "node:path";
import { tinyPng } from "./host/queue.mjs";
import { Host } from "./host/index.mjs";
import { Service } from "./host/service.mjs";

export const BUNDLE = process.env.DROPKEY_PANEL_BUNDLE;
if (!BUNDLE) throw new Error("Set DROPKEY_PANEL_BUNDLE to a DropKey.jsx that `dropkey panel build` wrote.");

const PNG = tinyPng(64, 36);

/** Writes a PNG sequence; returns its first file. */
export function writeSequence(folder, stem, first, count, { digits = 4, picture = PNG } = {}) {
    fs.mkdirSync(folder, { recursive: true });
    for (let i = 0; i < count; i += 1) {
        const file = path.join(folder, `${stem}${String(first + i).padStart(digits, "0")}.png`);
        if (!fs.existsSync(file)) fs.writeFileSync(file, picture);
    }
    return path.join(folder, `${stem}${String(first).padStart(digits, "0")}.png`);
}

export function stage(t, options = {}) {
    const host = new Host(options);
    t?.after(() => host.dispose());
    const service = options.service === false ? null : new Service(host, options);
    const fps = options.fps ?? 25;
    const count = options.count ?? 20;
    const first = writeSequence(path.join(host.root, "plates"), options.stem ?? "hero.", 1001, count);
    host.project.saved = path.join(host.root, "shot.aep");
    const comp = host.addComp("shot 10", { fps: options.compFps ?? 25, duration: options.duration ?? 10 });
    const item = host.addFootage(first, { fps });
    const layer = host.addLayer(comp, item);
    const panel = options.load === false ? null : host.load(BUNDLE);
    return { host, service, comp, item, layer, panel };
}

/** Sends the selected layer and returns the service's job. */
export function send(scene) {
    scene.host.press(scene.panel, "Key selected layers");
    return [...scene.service.jobs.values()].at(-1);
}

/** Sends, finishes and brings back; returns the job. */
export function roundTrip(scene, more = {}) {
    const job = send(scene);
    scene.service.finish(job, more);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    return job;
}

/** Runs code inside the bundle's own scope and returns what it gives back: for the pure parts. */
export function inside(t, options = {}) {
    const host = new Host(options);
    t?.after(() => host.dispose());
    const code = fs.readFileSync(BUNDLE, "utf8").replace("openPanel(thisObj);", "$.global.__inside = function (text) { return eval(text); }; joinShared();");
    host.evaluate(code);
    return { host, run: (text) => host.context.__inside(text), set: (name, value) => { host.context[name] = value; } };
}
