/** Writes the picture of docs/panel.md to the file that is named: the panel in each state, laid out from what it built. */
import fs from "node:fs";
import path from "node:path";
import { find } from "./host/scriptui.mjs";
import { drawSheet } from "./host/drawing.mjs";
import { send, stage, writeSequence } from "./stage.mjs";

const panels = [];
const show = (title, scene, width = 330) => {
    scene.host.resize(scene.panel, [width, 900]);
    panels.push([title, scene.panel]);
};
const named = (scene, name) => { scene.layer.name = name; return scene; };

for (const width of [280, 400, 700]) {
    const opened = named(stage(null), "hero");
    Object.assign(send(opened), { state: "running", frames_done: 7, eta_seconds: 95 });
    opened.host.press(opened.panel, "Refresh");
    show(`${width} pixels wide`, opened, width);
}

const folded = stage(null);
for (const name of ["Key", "Picture"]) folded.host.press(folded.panel, `\u25be ${name}`);
show("Just opened, choices and picture folded", folded);

const forbidden = stage(null, { permission: false });
forbidden.host.press(forbidden.panel, "Refresh");
show("Scripts may not write files", forbidden);

const offline = stage(null);
offline.service.leave();
offline.host.press(offline.panel, "Refresh");
show("No service on this machine", offline);

const other = stage(null);
other.service.discovery.version = "1.0.0";
other.service.announce();
other.host.press(other.panel, "Refresh");
show("Service and panel of different versions", other);

const loading = named(stage(null), "hero");
loading.service.ready = false;
send(loading);
loading.host.press(loading.panel, "Refresh");
show("The keyer is still loading", loading);

const tested = named(stage(null), "hero");
tested.host.press(tested.panel, "Refresh");
tested.comp.time = 0.4;
tested.host.press(tested.panel, "Test frame");
show("Test frame", tested);

const busy = named(stage(null), "hero");
Object.assign(send(busy), { state: "running", frames_done: 7, eta_seconds: 95 });
const second = busy.host.addLayer(busy.comp, busy.host.addFootage(writeSequence(path.join(busy.host.root, "b"), "b_", 1, 5)));
second.name = "dancer";
busy.host.press(busy.panel, "Key selected layers");
busy.host.press(busy.panel, "Refresh");
find(busy.panel, (each) => each.type === "listbox").selection = 1;
show("Keying one shot, the next one waits", busy);

const attention = named(stage(null), "hero");
Object.assign(send(attention), { state: "needs_attention", problem: { kind: "incomplete", message: "1 of 20 frames failed (1007): it cannot be decoded.", fix: "Mend the plate and press Retry." } });
attention.host.press(attention.panel, "Refresh");
show("A job that needs attention", attention);

const done = named(stage(null), "hero");
done.host.project.bitsPerChannel = 16;
done.service.finish(send(done));
done.host.press(done.panel, "Refresh");
done.host.press(done.panel, "Bring back");
show("Brought back into a 16-bit project", done);

fs.writeFileSync(process.argv[2], drawSheet(panels));
