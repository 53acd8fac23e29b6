/** The machine's side of the queue: workers and their memory, drop folders, room on the disk. */

import { drainWorker, getReadiness, getRoots, getWorkers } from "./api.js";
import { attempt, el } from "./dom.js";
import { bytes } from "./words.js";

const EVERY = 5000;
const REST_MS = 300; // after the counts of the queue changed
const UNKNOWN = "Not known.";

/** Return the panel; while it is on the page it looks again every few seconds, and when `jobs` are counted anew. */
export function machinePanel(jobs) {
  const workers = el("ul", { class: "plain" });
  const folders = el("ul", { class: "plain" });
  const disk = el("ul", { class: "plain" });
  const node = el("aside", { class: "machine", "aria-label": "Machine" },
    el("section", {}, el("h2", { text: "Workers" }), workers),
    el("section", {}, el("h2", { text: "Folders" }), folders),
    el("section", {}, el("h2", { text: "Output disk" }), disk));

  let looking = null;
  let soon = null;

  function look() {
    if (!node.isConnected) {
      clearInterval(timer);
      jobs.removeEventListener("counts", counted);
    } else looking ??= ask().finally(() => { looking = null; });
  }

  function counted() {
    soon ??= setTimeout(async () => {
      await looking; // which may have asked before
      soon = null;
      look();
    }, REST_MS);
  }

  async function ask() {
    const told = (asked) => asked.catch((error) => (error.status === 401 ? UNKNOWN : error.message));
    const [ready, list, known] = await Promise.all([told(getReadiness()), told(getWorkers()), told(getRoots())]);
    const pressed = workers.contains(document.activeElement) ? document.activeElement.dataset.worker : undefined;
    workers.replaceChildren(...(list.workers ? list.workers.map((said) => worker(said, drain)) : [line(undefined, "", list)]));
    if (pressed !== undefined) workers.querySelector(`[data-worker="${CSS.escape(pressed)}"]`)?.focus();
    folders.replaceChildren(...(known.roots ? known.roots.map(root) : [line(undefined, "", known)]));
    const room = ready.checks?.["output disk"];
    disk.replaceChildren(line(room?.ok, "", room?.detail ?? UNKNOWN));
  }

  /** Let a worker rest, or key again. */
  async function drain(name, drained) {
    await attempt(() => drainWorker(name, drained));
    look();
  }

  const timer = setInterval(look, EVERY);
  jobs.addEventListener("counts", counted);
  queueMicrotask(look);
  return node;
}

function root({ path, watched, online, free_bytes: free, problem }) {
  const room = free === null ? null : `${bytes(free)} free`;
  const how = problem ? `Not watched now: ${problem}` : watched ? "Watched" : "Browse only";
  return line(online && !problem, path, [online ? how : "Offline: see to its disk or share", room].filter(Boolean).join(" · "));
}

const STATES = { starting: "Starting", ready: "Ready", busy: "Keying", waiting: "Starts again in a moment", stopped: "Stopped", refused: "Gets no shot" };

function worker(said, drain) {
  const ok = ["ready", "busy"].includes(said.state) ? true : said.state === "starting" ? undefined : false;
  const state = said.drained && said.state === "ready" ? "Drained" : said.drained ? `${STATES[said.state]}, then drained` : STATES[said.state];
  const shot = said.shot === null ? null : [said.shot, said.frame].filter((part) => part !== null).join(" ");
  const where = said.host === said.name ? null : said.host;
  const card = said.card === null ? null : `card ${said.card}`;
  const words = [state, shot, where, said.device_name ?? said.device, card, said.problem?.message].filter(Boolean).join(" · ");
  const rest = ["ready", "busy"].includes(said.state) && el("button", {
    class: "small", type: "button", data: { worker: said.name }, text: said.drained ? "Take back" : "Drain",
    title: said.drained ? "Let it key again" : "It finishes what it has in hand, and gets nothing new",
    on: { click: () => drain(said.name, !said.drained) },
  });
  return line(ok, `Worker ${said.name}`, words, rest || null,
    memory("GPU memory", said.gpu_memory_used_bytes, said.gpu_memory_total_bytes), memory("Memory", said.memory_used_bytes, said.memory_total_bytes));
}

function memory(words, used, all) {
  if (!all || used === null) return null;
  const told = `${words}: ${bytes(used)} of ${bytes(all)}`;
  return el("div", { class: "memory" }, el("meter", { min: 0, max: all, value: used, high: all * 0.92, "aria-label": told }), el("span", { text: told }));
}

/** A path that may break into lines after its separators. */
const breakable = (path) => path.split(/(?<=[\\/])/).flatMap((part) => [part, document.createElement("wbr")]);

/** One thing and how it is: the mark is a shape as well as a color. */
function line(ok, name, words, ...more) {
  const state = ok === undefined ? "unknown" : ok ? "well" : "ill";
  const mark = { well: "●", ill: "▲", unknown: "○" }[state];
  return el("li", { class: `health ${state}` }, el("span", { class: "mark", "aria-hidden": "true", text: mark }),
    el("div", {}, name ? el("strong", {}, ...breakable(name)) : null, el("span", { text: words }), ...more));
}
