/** The queue: every job with its state, progress, rate and what may be done with it, kept live without a reload. */

import { act, command, setPriority } from "./api.js";
import { attempt, choice, el, say } from "./dom.js";
import { machinePanel } from "./machine.js";
import { jobRow } from "./row.js";
import { REMOVABLE, askToRemove, copy } from "./removing.js";
import { firstSteps } from "./welcome.js";
import { ACTIONS, FILTERS, counted } from "./words.js";

const remembered = { filter: "all", search: "" };
const SEARCH_AFTER_MS = 250; // of silence: the service is asked per word, not per letter
const FRESH_MS = 30_000; // rows say how long ago they came
const signedOut = () => `This browser is not signed in. Run “${command()} open” on the service's machine: it prints and opens a fresh link.`;

/**
 * Return the view.
 * @param {{jobs: import("./jobs.js").Jobs, open: (id: string) => void, submit: () => void}} page
 */
export function queueView({ jobs, open, submit }) {
  const rows = new Map(); // id → {row, job as it was shown}
  let freshened = 0;
  let asking = null;
  let reading = false;
  let link = jobs.state;
  const list = el("ul", { class: "jobs", "aria-label": "Jobs" });
  const empty = el("p", { class: "empty" });
  const first = firstSteps({ jobs, open });
  const count = el("p", { class: "count", role: "status" });
  const search = el("input", { type: "search", id: "search", maxlength: 200, placeholder: "Search shots", "aria-label": "Search shots", "aria-keyshortcuts": "/",
    value: remembered.search, on: { input: () => { clearTimeout(asking); asking = setTimeout(look, SEARCH_AFTER_MS); } } });
  const older = el("button", { type: "button", class: "older", hidden: true, text: "Show older jobs", on: { click: () => deeper() } });
  // Who scrolls to the end wants more of it.
  const end = new IntersectionObserver(([seen]) => { if (seen.isIntersecting) deeper(); });
  const filter = choice("Show", [["all", "All"], ["active", "In work"], ["attention", "Needs you"], ["done", "Done"], ["cancelled", "Cancelled"]],
    (value) => {
      remembered.filter = value;
      look();
    });
  const words = new Map(filter.buttons.map((button) => [button.dataset.value, button.textContent]));

  const picked = new Map(); // id → job
  const bar = el("div", { class: "picked", role: "region", "aria-label": "Selected jobs", hidden: true });

  function pick(job, on) {
    if (on) picked.set(job.id, job);
    else picked.delete(job.id);
    offer();
  }

  /** What may be done with all that is selected. */
  function offer() {
    const chosen = [...picked.keys()].map((id) => jobs.get(id)).filter(Boolean);
    bar.hidden = !chosen.length;
    const button = (words, does) => el("button", { type: "button", text: words, on: { click: does } });
    const verb = (name, words) => {
      const fits = chosen.filter(({ state }) => name in ACTIONS[state]);
      return fits.length ? [button(`${words} ${fits.length}`, () => attempt(async () => { for (const job of fits) jobs.update(await act(job.id, name)); offer(); }))] : [];
    };
    const over = chosen.filter(({ state }) => REMOVABLE.includes(state));
    bar.replaceChildren(el("strong", { text: `${chosen.length} selected` }), ...verb("retry", "Retry"), ...verb("pause", "Pause"), ...verb("resume", "Resume"), ...verb("cancel", "Cancel"),
      button("Copy paths", () => attempt(() => copy(chosen.map(({ output }) => output).join("\n")))),
      ...(over.length ? [button(`Remove ${over.length}…`, () => askToRemove(over, gone))] : []),
      button("Select all shown", () => { for (const [id, { row, job }] of rows) { row.pick.checked = true; picked.set(id, job); } offer(); }),
      button("Clear", clear));
  }

  function gone(ids) {
    for (const id of ids) { picked.delete(id); jobs.remove(id); }
    offer();
  }

  function clear() {
    picked.clear();
    for (const { row } of rows.values()) row.pick.checked = false;
    offer();
  }

  const run = (job, verb) => attempt(async () => jobs.update(await act(job.id, verb)));
  const prioritize = (job, by) => attempt(async () =>
    jobs.update(await setPriority(job.id, Math.min(100, Math.max(0, job.priority + by)))));

  function look() {
    clearTimeout(asking);
    remembered.search = search.value;
    attempt(() => jobs.look({ states: FILTERS[remembered.filter], search: search.value.trim() }));
    show();
  }

  async function deeper() {
    if (reading || !jobs.more) return;
    reading = true;
    const before = list.children.length;
    const got = await attempt(async () => { await jobs.older(); return true; });
    reading = false;
    if (!got) return; // the sentence says why; the button is still there
    show();
    // An end that never left the screen is not seen anew.
    if (list.children.length > before) { end.unobserve(older); end.observe(older); }
  }

  function show() {
    const all = jobs.number(FILTERS.all);
    for (const button of filter.buttons) {
      const number = jobs.number(FILTERS[button.dataset.value]);
      const text = number ? `${words.get(button.dataset.value)} ${number}` : words.get(button.dataset.value);
      if (button.textContent !== text) button.textContent = text;
    }
    filter.show(remembered.filter);
    const back = link !== "live" && jobs.state === "live"; // a service that was started anew may have other roots
    link = jobs.state;
    if (back) for (const { row } of rows.values()) row.again();
    const shown = jobs.listed();
    const stay = new Set(shown.map((job) => job.id));
    for (const [id, { row }] of rows) if (!stay.has(id)) { row.node.remove(); rows.delete(id); if (picked.delete(id)) offer(); }
    const stale = Date.now() - freshened > FRESH_MS;
    if (stale) freshened = Date.now();
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    let changed = false; // what may be done with a selected job
    shown.forEach((job, index) => {
      if (!rows.has(job.id)) rows.set(job.id, { row: jobRow(job, { open, run, prioritize, pick }), job });
      const known = rows.get(job.id);
      const { row } = known;
      if (stale || known.job !== job) row.show(job); // of thousands of rows, few change
      if (picked.has(job.id) && known.job.state !== job.state) changed = true;
      known.job = job;
      if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] ?? null);
    });
    if (changed) offer();
    if (focused?.isConnected && document.activeElement !== focused) focused.focus(); // its row was moved
    say(count, all ? `${shown.length}${jobs.more ? "+" : ""} of ${counted(all, "job")}` : "");
    first.show();
    empty.hidden = shown.length > 0 || (!all && jobs.state === "live"); // nothing was ever asked for
    empty.textContent = all ? "No job fits. Clear the search or choose All." : jobs.state === "out" ? signedOut() : "Connecting to the service…";
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
    { group: "Job in focus", keys: "M", words: "Select, or not", run: () => { const job = current(); const row = job && rows.get(job.id)?.row; if (row) { row.pick.checked = !row.pick.checked; pick(job, row.pick.checked); } } },
    { group: "Job in focus", keys: "+", words: "Sooner", run: moves(10) },
    { group: "Job in focus", keys: "-", words: "Later", run: moves(-10) },
  ];
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; look(); list.querySelector("a.open")?.focus(); }
  });
  jobs.addEventListener("change", show);
  const node = el("div", { class: "queue" },
    el("section", { class: "list", "aria-labelledby": "queue-title" },
      el("div", { class: "tools" }, el("h1", { id: "queue-title", text: "Queue" }), filter.node, search), bar, count, list, empty, first.node, older),
    machinePanel(jobs));
  show();
  end.observe(older);
  const leave = () => {
    jobs.removeEventListener("change", show);
    end.disconnect();
    clearTimeout(asking);
  };
  return { node, keys, title: "Queue", leave };
}
