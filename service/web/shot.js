/** One shot under the eye: puts viewer, filmstrip, curves and settings together and keeps them in step. */

import { act, getFrames, getJob, getQuality, submitJob } from "./api.js";
import { correcting } from "./correcting.js";
import { curves } from "./curves.js";
import { attempt, el, notice, say } from "./dom.js";
import { filmstrip } from "./filmstrip.js";
import { info } from "./info.js";
import { Looking } from "./looking.js";
import { FIGURES, graded, measuredOf, standouts } from "./quality.js";
import { readout } from "./readout.js";
import { shotKeys } from "./shot_keys.js";
import { toolbar } from "./toolbar.js";
import { tuning } from "./tuning.js";
import { ACTIONS, STATES, troubleOf, version } from "./words.js";
import { Viewer } from "./viewer.js";

const LOOK_AGAIN_MS = 1500;
const LONGEST_SEARCH = 200; // characters that the API takes

let last = null; // how the last shot was looked at
const shotOf = ({ shot }) => `${shot.folder}/${shot.pattern ?? shot.prefix}`;

/** Return the view. `frames` tells of frames while the shot is keyed. */
export function shotView({ id, jobs, frames: news, open }) {
  let job = null;
  let states = new Map();
  let standing = [];
  let asking = null;
  let link = jobs.state;
  let missed = false; // the service was away when the shot was opened
  const viewer = new Viewer({ hover: (x, y) => pixel.at(x, y), left: () => pixel.away(), zoomed: (words) => tools.zoomed(words) });
  const looking = new Looking(id, viewer);
  const strip = filmstrip({ id, went: (frame) => went(frame) });
  const quality = curves(FIGURES, (frame) => strip.goTo(frame));
  const tune = tuning({ tried });
  const correct = correcting({ viewer, frame: () => strip.frame, goTo: (frame) => strip.goTo(frame), drawn: tried });
  const facts = info({ gone: () => { location.hash = "#/"; } });
  const told = el("p", { class: "hint", role: "status" });
  const reset = el("button", { type: "button", text: "Reset", disabled: true, on: { click: () => { tune.reset(); correct.reset(); tried(); } } });
  const again = el("button", { type: "button", class: "primary", text: "Key again", on: { click: () => attempt(keyAgain) } });
  const trial = el("span", { class: "trial", text: "Trial", title: "What you see is no result yet", hidden: true });
  const tools = toolbar(looking, viewer);
  const pixel = readout({ looking, viewer });
  const title = el("h1", {});
  const state = el("span", { class: "state" });
  const trouble = el("p", { class: "trouble", hidden: true });
  const doubts = el("ul", { class: "doubts", "aria-label": "Warnings", hidden: true });
  const versions = el("nav", { class: "versions", "aria-label": "Versions" });
  const actions = el("div", { class: "actions" });
  const node = el("div", { class: "shot" },
    el("header", { class: "title" }, el("a", { href: "#/", class: "back", text: "← Queue" }), title, trial, state, versions, el("span", { class: "spacer" }), actions),
    trouble, doubts, tools.node, viewer.node, pixel.node, strip.node,
    el("aside", { class: "side", "aria-label": "Corrections, settings and quality" }, correct.node, tune.node, quality.node, facts.node),
    el("div", { class: "go" }, told, el("div", { class: "buttons" }, reset, again)));

  function went(frame) {
    const drawn = looking.frame(frame, strip.next);
    pixel.refresh();
    quality.at(frame);
    correct.show();
    return drawn;
  }

  /** Show the frame with the settings and strokes of the moment, or as it is on disk where they are the job's own. */
  function tried() {
    const differs = tune.differs() || correct.differs;
    reset.disabled = !differs;
    const wish = differs ? { settings: tune.settings(), corrections: correct.corrections } : null;
    return attempt(() => looking.try(wish, (words) => say(told, words)));
  }

  async function begin() {
    missed = false;
    try {
      job = await getJob(id);
    } catch (error) {
      missed = error.status === 0;
      viewer.tell(error.status === 404 ? "There is no such job." : error.message);
      return;
    }
    tune.begin(job);
    correct.begin(job);
    looking.straight = job.request.settings.association === "straight";
    if (!jobs.get(id)) jobs.update(job);
    await Promise.all([look(), attempt(() => jobs.find(job.shot.name.slice(0, LONGEST_SEARCH)))]); // its other versions may be old
    show();
    // From one version of a shot to another, all stays as it was looked at.
    if (last?.shot === shotOf(job)) {
      looking.set(last.how);
      viewer.stand = last.stand;
    }
    strip.rate(job);
    facts.show(job, jobs.get(id));
    if (last?.shot === shotOf(job) && strip.has(last.frame)) strip.goTo(last.frame);
    else strip.first();
  }

  /** Read the frames anew; while they arrive, not more often than every second or so. */
  async function look() {
    const [found, report] = await Promise.all([attempt(() => getFrames(id)), getQuality(id).catch(() => null), learn()]);
    if (!found) return;
    states = new Map(found.map((result) => [result.frame, result]));
    warn();
    const measured = measuredOf(found, report);
    standing = standouts(found, report);
    const list = job.frames.length ? job.frames : [...states.keys()].sort((a, b) => a - b);
    quality.grade(graded(found, report));
    strip.show(list, states, new Set(standing.map(({ frame }) => frame)));
    quality.show(list, measured, standing);
    looking.known(states);
    quality.at(strip.frame);
  }

  /** The screen, and how many pictures a movie has, are known once a worker has begun. */
  async function learn() {
    if (job.screen && job.finished_at) return warn();
    job = await getJob(id).catch(() => job);
    tune.learn(job);
    warn();
  }

  /** Say the warnings of the whole shot; those of single frames stand beside these. */
  function warn() {
    const ofFrames = [...states.values()].flatMap(({ notes }) => notes?.warnings ?? []);
    const said = (job.warnings ?? []).filter((words) => !ofFrames.some((note) => words.startsWith(note)));
    doubts.hidden = !said.length;
    doubts.replaceChildren(...said.map((text) => el("li", { text })));
  }

  function heard(event) {
    if (event.detail.id !== id || !job) return;
    for (const { frame, state: now } of event.detail.frames) {
      states.set(frame, { ...states.get(frame), frame, state: now });
      looking.arrived(frame);
    }
    asking ??= setTimeout(() => { asking = null; look(); }, LOOK_AGAIN_MS);
  }

  /** Look again at what could not be had: a service that was started anew may have other roots. */
  function back() {
    if (missed) return begin();
    looking.render();
    strip.again();
  }

  function show() {
    if (link !== jobs.state && jobs.state === "live") back();
    link = jobs.state;
    const now = jobs.get(id);
    if (!job || !now) return;
    const before = state.textContent;
    say(title, `${now.shot} ${version(now.version)}`);
    node.dataset.state = now.state;
    say(state, `${STATES[now.state]}${now.state === "running" ? ` ${now.frames_done} / ${now.frames_total}` : ""}`);
    if (before && before !== state.textContent && now.state !== "running") asking ??= setTimeout(() => { asking = null; look().then(() => facts.show(job, jobs.get(id))); }, 100);
    trouble.hidden = !now.problem;
    say(trouble, troubleOf(now));
    const offered = Object.entries(ACTIONS[now.state] ?? {});
    if (actions.dataset.verbs !== offered.join()) {
      actions.dataset.verbs = offered.join();
      actions.replaceChildren(...offered.map(([verb, words]) => el("button", { type: "button", text: words, data: { verb },
        on: { click: () => attempt(async () => jobs.update(await act(id, verb))) } })));
    }
    const all = jobs.versions(now);
    say(again, `Key again as ${version(Math.max(now.version, ...all.map((other) => other.version)) + 1)}`);
    looking.compareWith(version(now.version), all.filter((other) => other.id !== id).map((other) => ({ id: other.id, words: version(other.version) })));
    // A list that is made anew loses how far it was scrolled, and focus with it.
    if (versions.dataset.of !== all.map((other) => other.id).join()) list(all);
  }

  function list(all) {
    versions.dataset.of = all.map((other) => other.id).join();
    versions.replaceChildren(...(all.length > 1 ? all.map((other) => el("a", { href: `#/shot/${other.id}`, text: version(other.version),
      "aria-current": other.id === id ? "page" : null })) : []));
    versions.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  async function keyAgain() {
    const mattes = { ...job.request.mattes, corrections: correct.corrections };
    const made = await submitJob({ ...job.request, settings: tune.settings(), mattes, key_again: true, client: "dashboard" });
    jobs.update(made);
    notice(`${made.shot.name} is keyed again as ${version(made.version)}.`, { kind: "good", seconds: 6 });
    open(made.id);
  }

  looking.addEventListener("change", () => { trial.hidden = !looking.onTrial; });
  jobs.addEventListener("change", show);
  news.addEventListener("change", heard);
  begin();
  return {
    node, title: "Shot",
    keys: shotKeys({ strip, looking, viewer, pixel, correct, worst: () => standing.map(({ frame }) => frame) }),
    leave() {
      if (job) last = { shot: shotOf(job), how: { ...looking.how, over: looking.how.over === "own" ? "grey" : looking.how.over, compare: "off" }, stand: viewer.stand, frame: strip.frame };
      jobs.removeEventListener("change", show);
      news.removeEventListener("change", heard);
      clearTimeout(asking);
      for (const part of [strip, tune, viewer, looking]) part.close();
    },
  };
}
