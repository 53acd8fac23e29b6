/** Starts the page: connects, and shows the view that the address names. */

import { listen } from "./events.js";
import { Jobs } from "./jobs.js";
import { bind, help } from "./keys.js";
import { attempt, notice } from "./dom.js";
import { queueView } from "./queue.js";
import { shotView } from "./shot.js";
import { droppedPath, submitDialog } from "./submit.js";
import { version } from "./words.js";

const jobs = new Jobs();
const frames = new EventTarget(); // "change" with {id, frames} while a shot is keyed
const content = document.getElementById("content");
const link = document.getElementById("link");
let view = null;

/** What became of a shot that was asked for: it may be known already. */
const TOOK = {
  done: "is keyed already, with these settings; ask for a new version to key it again",
  running: "is being keyed",
  waiting_input: "waits for its files",
  needs_attention: "needs attention",
  paused: "is paused",
  root_offline: "waits for its folder",
};

const open = (id) => { location.hash = `#/shot/${id}`; };
const took = (job) => {
  jobs.update(job);
  notice(`${job.shot.name} ${version(job.version)} ${TOOK[job.state] ?? "is in the queue"}.`, { kind: "good", seconds: 6 });
};
const submit = (dropped = {}) => submitDialog({ ...dropped, took });

function show() {
  const [, name, id] = location.hash.split("/");
  view?.leave?.();
  view = name === "shot" && id ? shotView({ id: decodeURIComponent(id), jobs, frames, open }) : queueView({ jobs, open, submit: () => submit() });
  content.replaceChildren(view.node);
  view.shown?.();
  document.title = `${view.title} – DropKey`;
  bind(view.keys);
}

listen({
  snapshot: async (page) => Boolean(await attempt(async () => { await jobs.begin(page); return true; })),
  job: (job) => jobs.update(job),
  progress: (data) => jobs.progress(data),
  counts: (counts) => jobs.count(counts),
  frames: (data) => frames.dispatchEvent(new CustomEvent("change", { detail: data })),
  gone: (id) => jobs.remove(id),
  link: (state, words) => {
    link.dataset.state = state;
    jobs.link(state);
    if (link.textContent !== words) link.textContent = words;
  },
});

document.getElementById("submit").addEventListener("click", () => submit());
document.getElementById("help").addEventListener("click", help);
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  submit(droppedPath(event.dataTransfer));
});
window.addEventListener("hashchange", () => {
  show();
  content.focus();
});
show();
