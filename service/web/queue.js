/** The queue: every job with its state, progress, rate and what may be done with it, kept live without a reload. */

import { act, setPriority } from "./api.js";
import { attempt, choice, el } from "./dom.js";
import { machinePanel } from "./machine.js";
import { jobRow } from "./row.js";
import { ACTIONS, FILTERS } from "./words.js";

const remembered = { filter: "all", search: "" };
const MOST_ROWS = 400;
const EMPTY = {
  live: "Nothing here yet. Drop a shot into a drop folder, or press “Key a shot”.",
  out: "This browser is not signed in. Run `dropkey serve` and open the link that it prints; it works once.",
};

/**
 * Return the view.
 * @param {{jobs: import("./jobs.js").Jobs, open: (id: string) => void, submit: () => void}} page
 */
export function queueView({ jobs, open, submit }) {
  const rows = new Map();
  const list = el("ul", { class: "jobs", "aria-label": "Jobs" });
  const empty = el("p", { class: "empty" });
  const count = el("p", { class: "count", role: "status" });
  const search = el("input", { type: "search", id: "search", placeholder: "Search shots", "aria-label": "Search shots", "aria-keyshortcuts": "/",
    value: remembered.search, on: { input: () => { remembered.search = search.value; show(); } } });
  const older = el("button", { type: "button", class: "older", hidden: true, text: "Show older jobs", on: { click: () => attempt(() => jobs.older()) } });
  const filter = choice("Show", [["all", "All"], ["active", "In work"], ["attention", "Needs you"], ["done", "Done"], ["cancelled", "Cancelled"]],
    (value) => {
      remembered.filter = value;
      show();
      if (value !== "all" && jobs.more) attempt(() => jobs.find(FILTERS[value]));
    });
  const words = new Map(filter.buttons.map((button) => [button.dataset.value, button.textContent]));

  const run = (job, verb) => attempt(async () => jobs.update(await act(job.id, verb)));
  const prioritize = (job, by) => attempt(async () =>
    jobs.update(await setPriority(job.id, Math.min(100, Math.max(0, job.priority + by)))));

  function wanted() {
    const asked = remembered.search.trim().toLowerCase();
    return jobs.all().filter((job) => FILTERS[remembered.filter].includes(job.state)
      && (!asked || `${job.shot} ${job.plate} ${job.client ?? ""}`.toLowerCase().includes(asked)));
  }

  function show() {
    const known = jobs.all();
    for (const button of filter.buttons) {
      const states = FILTERS[button.dataset.value];
      const number = known.filter((job) => states.includes(job.state)).length;
      const text = number ? `${words.get(button.dataset.value)} ${number}` : words.get(button.dataset.value);
      if (button.textContent !== text) button.textContent = text;
    }
    filter.show(remembered.filter);
    const shown = wanted().slice(0, MOST_ROWS);
    const stay = new Set(shown.map((job) => job.id));
    for (const [id, row] of rows) if (!stay.has(id)) { row.node.remove(); rows.delete(id); }
    shown.forEach((job, index) => {
      if (!rows.has(job.id)) rows.set(job.id, jobRow(job, { open, run, prioritize }));
      const row = rows.get(job.id);
      row.show(job);
      if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] ?? null);
    });
    count.textContent = known.length ? `${shown.length} of ${known.length}${jobs.more ? "+" : ""} jobs` : "";
    empty.hidden = shown.length > 0;
    empty.textContent = known.length ? "No job fits. Clear the search or choose All." : EMPTY[jobs.state] ?? "Connecting to the service…";
    older.hidden = !jobs.more;
  }

  const current = () => jobs.get(document.activeElement?.closest?.("li[data-id]")?.dataset.id);
  const step = (by) => {
    const nodes = [...list.children];
    const at = nodes.indexOf(document.activeElement?.closest?.("li[data-id]"));
    nodes[Math.min(nodes.length - 1, Math.max(0, at + by))]?.querySelector("a.open")?.focus();
  };
  const does = (...verbs) => () => {
    const job = current();
    const verb = job && verbs.find((name) => name in ACTIONS[job.state]);
    if (verb) run(job, verb);
  };
  const moves = (by) => () => { const job = current(); if (job) prioritize(job, by); };

  const keys = [
    { group: "Queue", keys: "ArrowDown J", words: "Next job", run: () => step(1) },
    { group: "Queue", keys: "ArrowUp K", words: "Job before", run: () => step(-1) },
    { group: "Queue", keys: "/", words: "Search", run: () => search.focus() },
    { group: "Queue", keys: "S", words: "Key a shot", run: submit },
    { group: "Job in focus", keys: "P", words: "Pause or resume", run: does("pause", "resume") },
    { group: "Job in focus", keys: "X", words: "Cancel", run: does("cancel") },
    { group: "Job in focus", keys: "R", words: "Retry", run: does("retry") },
    { group: "Job in focus", keys: "A", words: "Accept with its holes", run: does("accept") },
    { group: "Job in focus", keys: "+", words: "Sooner", run: moves(10) },
    { group: "Job in focus", keys: "-", words: "Later", run: moves(-10) },
  ];
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = remembered.search = ""; show(); list.querySelector("a.open")?.focus(); }
  });
  jobs.addEventListener("change", show);
  const node = el("div", { class: "queue" },
    el("section", { class: "list", "aria-labelledby": "queue-title" },
      el("div", { class: "tools" }, el("h1", { id: "queue-title", text: "Queue" }), filter.node, search), count, list, empty, older),
    machinePanel());
  show();
  return { node, keys, title: "Queue", leave: () => jobs.removeEventListener("change", show) };
}
