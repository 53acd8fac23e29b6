/** The first hour: three steps to a first key and a line about the machine; they go away when they are done. */

import { dropSample, getWelcome, putPanel } from "./api.js";
import { attempt, el, notice, say } from "./dom.js";
import { FILTERS } from "./words.js";

const AGAIN_MS = 1500; // while the machine is looked at, or the sample painted
const REMEMBERED = "dropkey-first-steps";
const SIDECAR = `{
  "frames": "1001-1100",
  "settings": { "despill": 0.8 }
}`;
const PANEL = { none: "has no panel yet", other: "has the panel of another version", this: "has the panel" };
const RESTART = "Restart After Effects: the panel is at the bottom of its Window menu. It asks you to allow scripts to write files and "
  + "to access the network (Preferences > Scripting & Expressions).";

/**
 * Return `{node, show}`; `show` is to be called whenever the jobs have changed.
 * @param {{jobs: import("./jobs.js").Jobs, open: (id: string) => void}} page
 */
export function firstSteps({ jobs, open }) {
  const panel = panelStep(async () => { if (await attempt(async () => take(await putPanel()))) panel.tell(RESTART); }, () => look());
  const shot = shotStep(() => attempt(async () => take(await dropSample())));
  const result = resultStep(() => { const job = finished(); if (job) open(job.id); });
  const health = el("div", { class: "condition", role: "status" });
  const hide = el("button", { type: "button", class: "hide", hidden: true, text: "Hide these steps", on: { click: () => { remember("done"); show(); } } });
  const node = el("section", { class: "first", "aria-labelledby": "first-title", hidden: true },
    el("h2", { id: "first-title", text: "Key your first shot" }),
    el("ol", { class: "steps" }, panel.node, shot.node, result.node), health, hide);
  let state = null; // as the service told it
  let looking = null;

  const finished = () => jobs.all().find((job) => job.state === "done");

  function show() {
    const all = jobs.number(FILTERS.all);
    const live = jobs.begun && jobs.state === "live";
    if (live && !all && remembered() !== "done") remember("open");
    node.hidden = !live || (all > 0 && remembered() !== "open");
    if (node.hidden) return;
    if (!state) look();
    const done = jobs.number(["done"]) > 0;
    shot.done(all > 0);
    result.done(done, Boolean(finished()));
    hide.hidden = !all;
    if (done && panel.settled()) { remember("done"); node.hidden = true; }
  }

  function take(told) {
    state = told;
    panel.show(told);
    shot.show(told);
    result.show(told);
    condition(health, told.health);
    show();
    if (!node.hidden && (!told.health || told.sample === "painting")) setTimeout(look, AGAIN_MS);
    return true;
  }

  function look() {
    if (node.isConnected) looking ??= getWelcome().then(take, () => null).finally(() => { looking = null; });
  }

  queueMicrotask(show);
  return { node, show };
}

function step(title, ...body) {
  const node = el("li", { class: "step" }, el("h3", { text: title }), ...body);
  const done = (is) => { node.classList.toggle("done", is); };
  return { node, done };
}

function panelStep(put, again) {
  const found = el("ul", { class: "plain found" });
  const words = el("p", { class: "hint" });
  const button = el("button", { type: "button", on: { click: put } });
  const made = step("Put the panel into After Effects", found, words, el("div", { class: "does" }, button,
    el("button", { type: "button", text: "Look again", on: { click: again } })));
  let settled = false;
  let told = "";
  return { ...made, settled: () => settled, tell: (text) => { told = text; say(words, text); }, show({ panels, here, command }) {
    const missing = panels.filter(({ panel }) => panel !== "this");
    settled = !here || !missing.length;
    found.replaceChildren(...(here ? panels : []).map(({ after_effects: version, panel }) =>
      el("li", {}, el("strong", { text: `After Effects ${version}` }), ` ${PANEL[panel]}`)));
    made.done(here && panels.length > 0 && !missing.length);
    button.parentElement.hidden = !here;
    button.hidden = !missing.length;
    say(button, missing.length > 1 ? "Put the panel into all of them" : "Put the panel in");
    say(words, told || (!here ? `On the machine of After Effects, call “${command} panel install”.`
      : panels.length ? "" : "No After Effects is found that you have started on this machine. Start it once, then look again; or go on without it."));
  } };
}

function shotStep(sample) {
  const path = el("code", { class: "path", text: "…" });
  const where = el("div", { class: "copied" }, path, copyButton("Copy the drop folder's path", () => path.textContent));
  const none = el("p", { class: "hint", hidden: true, text: "No drop folder is watched." });
  const button = el("button", { type: "button", text: "Drop the sample shot", on: { click: sample } });
  const words = el("span", { class: "hint", role: "status" });
  const made = step("Drop a shot", el("p", { text: "A folder of pictures (PNG, EXR, TIFF, DPX, JPEG) or a movie, into the drop folder:" }), where, none,
    el("p", { class: "hint", text: "It starts when no more files come. “Key a shot” takes plates that lie elsewhere." }),
    el("div", { class: "does" }, button, words),
    el("details", {}, el("summary", { text: "Choose frames or settings" }),
      el("p", {}, "Put a file ", el("code", { text: "<shot>.dropkey.json" }), " beside the shot, for example:"),
      el("div", { class: "copied" }, el("pre", { text: SIDECAR }), copyButton("Copy this file's text", () => SIDECAR))));
  return { ...made, show({ drop, sample: state, sample_problem: problem }) {
    where.hidden = drop === null;
    none.hidden = drop !== null;
    say(path, drop ?? "");
    button.hidden = drop === null || state === "there";
    button.disabled = state === "painting";
    say(words, { none: "", painting: "Painting it, which takes some seconds…", there: "The sample shot is in the drop folder.",
      failed: `The sample shot could not be painted: ${problem}.` }[state]);
  } };
}

function resultStep(look) {
  const path = el("code", { class: "path", text: "…" });
  const button = el("button", { type: "button", hidden: true, text: "Look at the key", on: { click: look } });
  const made = step("See the result", el("p", { text: "Foreground and alpha come as 32-bit EXR, in a new version each time:" }),
    el("div", { class: "copied" }, path, copyButton("Copy the output folder's path", () => path.textContent)),
    el("p", { class: "hint", text: "Click a shot in the queue to judge it here. In After Effects, “Bring back” in the panel lays it above the plate." }),
    el("div", { class: "does" }, button));
  return { node: made.node, show: ({ output }) => say(path, output), done(is, here) {
    made.done(is);
    button.hidden = !here;
  } };
}

/** One line about the machine, and below it what to do. */
function condition(node, health) {
  if (!health) return say(node, "Looking at this machine…");
  const mark = { fine: "●", note: "●", problem: "▲" }[health.verdict];
  const serious = health.troubles.filter(() => health.verdict === "problem");
  const words = serious.length ? "Something is wrong with this machine" : `This machine is ready: ${health.device}`;
  node.replaceChildren(el("p", { class: `health ${health.verdict === "problem" ? "ill" : "well"}` },
    el("span", { class: "mark", "aria-hidden": "true", text: mark }), el("span", { text: words })),
    ...health.troubles.map(({ name, message, fix }) => el("p", { class: "hint" }, el("strong", { text: `${name}: ` }),
      [message === health.device ? "" : message, fix].filter(Boolean).join(". "))));
  return undefined;
}

function remembered() {
  try { return localStorage.getItem(REMEMBERED); } catch { return null; }
}

function remember(word) {
  try { localStorage.setItem(REMEMBERED, word); } catch { /* a browser that keeps nothing asks again */ }
}

function copyButton(label, text) {
  return el("button", { type: "button", "aria-label": label, text: "Copy", on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text());
      notice("Copied.", { kind: "good", seconds: 3 });
    } catch {
      notice("This browser does not let the page copy; select the text and copy it yourself.");
    }
  } } });
}
