/** The machine's side of the queue: workers and their memory, drop folders, room on the disk. */

import { getReadiness, getRoots, getWorkers } from "./api.js";
import { el } from "./dom.js";
import { bytes } from "./words.js";

const EVERY = 5000;

/** Return the panel; it looks again every few seconds while it is on the page. */
export function machinePanel() {
  const workers = el("ul", { class: "plain" });
  const folders = el("ul", { class: "plain" });
  const disk = el("ul", { class: "plain" });
  const node = el("aside", { class: "machine", "aria-label": "Machine" },
    el("section", {}, el("h2", { text: "Workers" }), workers),
    el("section", {}, el("h2", { text: "Drop folders" }), folders),
    el("section", {}, el("h2", { text: "Output disk" }), disk));

  async function look() {
    if (!node.isConnected) return clearInterval(timer);
    const [ready, list] = await Promise.all([getReadiness().catch(() => null), getWorkers().catch(() => null)]);
    const checks = ready?.checks ?? {};
    const found = list?.workers ?? (Array.isArray(list) ? list : null);
    workers.replaceChildren(...(found?.length ? found.map(worker)
      : [line(checks.workers?.ok, "Workers", checks.workers?.detail || "Nothing known about the workers.")]));
    const drops = Object.entries(checks).filter(([name]) => name.startsWith("drop folder "));
    folders.replaceChildren(...(drops.length ? drops.map(([name, check]) =>
      line(check.ok, name.slice("drop folder ".length), check.ok ? "Watched" : "Away: check the share or disk"))
      : await rootLines()));
    const room = checks["output disk"];
    disk.replaceChildren(line(room?.ok, "", room?.detail ?? "Not known."));
  }

  const timer = setInterval(look, EVERY);
  queueMicrotask(look);
  return node;
}

async function rootLines() {
  const roots = await getRoots().then((found) => found.roots ?? found).catch(() => []);
  if (!roots.length) return [line(undefined, "", "Nothing known about the drop folders.")];
  return roots.map((root) => line(root.online ?? root.ok, root.name ?? root.path ?? root.id, root.online === false ? "Away" : "There"));
}

function worker(said) {
  const memory = said.gpu_memory_total_bytes ?? said.memory_total_bytes;
  const used = said.gpu_memory_used_bytes ?? said.memory_used_bytes;
  const ok = ["ready", "busy"].includes(said.state) || (said.state === "loading" ? undefined : false);
  const words = [said.state, said.device_name || said.device, said.problem?.message].filter(Boolean).join(" · ");
  return line(ok, said.name, words, memory
    ? el("meter", { min: 0, max: memory, value: used ?? 0, high: memory * 0.92, "aria-label": `${said.name}: memory in use`,
      title: `${bytes(used ?? 0)} of ${bytes(memory)}` }) : null);
}

/** One thing and how it is: the mark is a shape as well as a color. */
function line(ok, name, words, more = null) {
  const state = ok === undefined ? "unknown" : ok ? "well" : "ill";
  const mark = { well: "●", ill: "▲", unknown: "○" }[state];
  return el("li", { class: `health ${state}` }, el("span", { class: "mark", "aria-hidden": "true", text: mark }),
    el("div", {}, name ? el("strong", { text: name }) : null, el("span", { text: words }), more));
}
