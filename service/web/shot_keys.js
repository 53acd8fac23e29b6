/** The keys of the shot view, as compositing programs have them. */

import { SAYS } from "./correcting.js";
import { BACKGROUNDS, VIEWS } from "./toolbar.js";

const PAN = 0.15; // of the view

export function shotKeys({ strip, looking, viewer, pixel, correct, worst }) {
  const { how } = looking;
  const toggle = (name, value, otherwise) => () => looking.set({ [name]: how[name] === value ? otherwise : value });
  const clamp = (value, low, high) => Math.min(high, Math.max(low, Number(value.toFixed(2))));
  const bend = (name, by, low, high) => () => looking.set({ [name]: clamp(how[name] + by, low, high) });
  const move = (x, y) => () => pixel.move(x, y) || viewer.pan(x * PAN, y * PAN);
  const jump = (by) => () => {
    const frames = worst();
    if (frames.length) strip.goTo(frames[(frames.indexOf(strip.frame) + by + frames.length) % frames.length]);
  };
  const behind = () => {
    const kinds = [...BACKGROUNDS.map(([kind]) => kind), ...(looking.hasOwn ? ["own"] : [])];
    looking.set({ over: kinds[(kinds.indexOf(how.over) + 1) % kinds.length], view: "composite" });
  };
  const entry = (group) => (keys, words, run) => ({ group, keys, words, run });
  const time = entry("Frames"), see = entry("Picture"), light = entry("Light"), near = entry("Zoom and pixels"), mend = entry("Correct");
  return [
    time("ArrowLeft", "Frame before", () => strip.step(-1)),
    time("ArrowRight", "Next frame", () => strip.step(1)),
    time("PageUp", "Ten frames back", () => strip.step(-10)),
    time("PageDown", "Ten frames on", () => strip.step(10)),
    time("Home", "First frame", () => strip.first()),
    time("End", "Last frame", () => strip.last()),
    time("Space", "Play, stop", () => strip.play()),
    time("I", "In point here, or none", () => strip.limit("first")),
    time("Shift+I", "Out point here, or none", () => strip.limit("last")),
    time("N", "Next frame that stands out", jump(1)),
    time("Shift+N", "The one before", jump(-1)),
    ...VIEWS.map(([view, words, key]) => see(key, words, () => looking.set({ view }))),
    see("O", "Next background", behind),
    see("W", "Wipe on, off", toggle("compare", "wipe", "off")),
    see("[", "Wipe to the left", () => { viewer.wipe -= 0.05; }),
    see("]", "Wipe to the right", () => { viewer.wipe += 0.05; }),
    see("D", "Difference on, off", toggle("compare", "difference", "off")),
    ...["r", "g", "b", "a"].map((channel) => see(channel.toUpperCase(), { r: "Red", g: "Green", b: "Blue", a: "Alpha" }[channel] + " only, or all", toggle("channel", channel, "rgb"))),
    light("E", "Half a stop up", bend("exposure", 0.5, -8, 8)),
    light("Shift+E", "Half a stop down", bend("exposure", -0.5, -8, 8)),
    light("Y", "Gamma up", bend("gamma", 0.1, 0.25, 4)),
    light("Shift+Y", "Gamma down", bend("gamma", -0.1, 0.25, 4)),
    light("0", "Exposure and gamma as they were", () => looking.set({ exposure: 0, gamma: 1 })),
    near("F", "Fit", () => viewer.fit()),
    near("H", "Picture pixels", () => viewer.zoomTo(1)),
    near("+ =", "Zoom in", () => viewer.zoomStep(1)),
    near("-", "Zoom out", () => viewer.zoomStep(-1)),
    near("P", "Pin the pixel probe, or take it off", () => pixel.pin()),
    near("Shift+ArrowLeft", "Probe or view to the left", move(-1, 0)),
    near("Shift+ArrowRight", "… to the right", move(1, 0)),
    near("Shift+ArrowUp", "… up", move(0, -1)),
    near("Shift+ArrowDown", "… down", move(0, 1)),
    ...SAYS.map(([says, words, key]) => mend(key.toUpperCase(), words, () => correct.use(says))),
    mend("Enter", "Draw at the pinned probe", () => pixel.pinned && correct.stamp(pixel.pinned)),
    mend(",", "Smaller brush", () => correct.bigger(-4)),
    mend(".", "Bigger brush", () => correct.bigger(4)),
    mend("Ctrl+Z", "Undo the last stroke", () => correct.undo()),
    { group: "Everywhere", keys: "Escape Q", words: "Back to the queue", run: () => { location.hash = "#/"; } },
  ];
}
