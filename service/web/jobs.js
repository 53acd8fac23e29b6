/** The jobs this page knows of, kept up to date by events; tells whoever listens, once per frame of the screen. */

import { listJobs } from "./api.js";
import { FILTERS } from "./words.js";

/** What a list is of, and how far down it was read: the service holds far more jobs than a page should. */
class List {
  #found = new Set(); // what the service says fits, in its own reading of letters

  constructor({ states = FILTERS.all, search = "" } = {}) {
    this.states = states;
    this.search = search;
    this.cursor = null; // where the next page begins; null: there is none
    this.last = null; // the oldest job that was read
  }

  /** How many were read. */
  get depth() {
    return this.#found.size;
  }

  get whole() {
    return this.states.length === FILTERS.all.length && !this.search;
  }

  /** What is in work is listed as it will run; all of it is read, as the next to run is among the oldest. */
  get inWork() {
    return this.states === FILTERS.active;
  }

  /** Read the next page. */
  async read() {
    const page = await listJobs({ state: this.states.length === FILTERS.all.length ? [] : this.states, search: this.search, cursor: this.cursor });
    this.take(page);
    return page.jobs;
  }

  take({ jobs, next_cursor: cursor }) {
    this.cursor = cursor;
    this.last = jobs.at(-1) ?? this.last;
    for (const { id } of jobs) this.#found.add(id);
  }

  /** What is at rest and older than what was read is left out, so that the list has no gap. */
  shows(job) {
    if (!this.states.includes(job.state)) return false;
    if (this.cursor !== null && older(this.last, job) < 0 && !FILTERS.active.includes(job.state)) return false;
    return !this.search || this.#found.has(job.id)
      || plain(`${job.shot}\n${job.plate}\n${job.client ?? ""}`).includes(plain(this.search));
  }
}

const MOST_FOUND = 1000;
const OVERTAKEN = ""; // older than any moment

export class Jobs extends EventTarget {
  #known = new Map();
  #sorted = null;
  #all = new List();
  #list = this.#all;
  #counts = {};
  #telling = false;

  /** How the connection is: "live", "lost", "out" (not signed in), or null before the first answer. */
  state = null;

  /** Whether a snapshot was taken: before, that none is known means nothing. */
  begun = false;

  link(state) {
    this.state = state;
    this.#tell();
  }

  /** More jobs are in the list at hand than were read. */
  get more() {
    return this.#list.cursor !== null;
  }

  get(id) {
    return this.#known.get(id);
  }

  /** How many jobs the service has in these states. */
  number(states) {
    return states.reduce((sum, state) => sum + (this.#counts[state] ?? 0), 0);
  }

  /** All that are known, newest first, as the API lists them. */
  all() {
    this.#sorted ??= [...this.#known.values()].sort(older).map(({ id }) => id);
    return this.#sorted.map((id) => this.#known.get(id));
  }

  /** Those of the list at hand. */
  listed() {
    const listed = this.all().filter((job) => this.#list.shows(job));
    return this.#list.inWork ? listed.sort(later) : listed;
  }

  /** All versions of the same shot, newest first. */
  versions(job) {
    return this.all().filter((other) => other.id === job.id || (job.shot_id && other.shot_id === job.shot_id))
      .sort((a, b) => b.version - a.version);
  }

  /** Take all anew from the newest page, which a snapshot is, as far down as it was read. What is in work belongs to it, however old. */
  async begin(page) {
    const before = this.#all;
    const narrow = this.#list.whole ? null : this.#list;
    // What is known stays, so that the page does not jump, until what is told from now on has taken its place.
    for (const [id, job] of this.#known) this.#known.set(id, { ...job, updated_at: OVERTAKEN });
    this.#counts = page.counts ?? {};
    const all = new List();
    all.take(page);
    this.#put(page.jobs);
    await this.#deepen(all, before);
    this.#all = all;
    if (this.#list === before) this.#list = all;
    // What runs is seldom among the newest: of equal priorities, the oldest goes first.
    if (all.cursor !== null) for (const { jobs } of await Promise.all([["running"], FILTERS.active].map((state) => listJobs({ state })))) this.#put(jobs);
    if (narrow) await this.#again(narrow);
    for (const [id, job] of this.#known) if (job.updated_at === OVERTAKEN) this.remove(id);
    this.begun = true;
    this.#tell();
  }

  /** Read `list` as far down as `like` was. */
  async #deepen(list, like) {
    while (list.cursor !== null && (list.inWork || list.depth < like.depth)) this.#put(await list.read());
  }

  /** Read a search or filter anew, unless another one is at hand by then. */
  async #again(narrow) {
    const list = new List(narrow);
    if (this.#all.cursor !== null) {
      this.#put(await list.read());
      await this.#deepen(list, narrow);
    }
    if (this.#list === narrow) this.#list = list;
  }

  /** Take how far a job is. */
  progress(data) {
    const job = this.#known.get(data.id);
    if (job) this.#put([{ ...job, ...data }]);
  }

  update(job) {
    this.#put([job]);
  }

  count(counts) {
    this.#counts = counts;
    this.dispatchEvent(new Event("counts"));
    this.#tell();
  }

  remove(id) {
    this.#known.delete(id);
    this.#sorted = null;
    this.#tell();
  }

  /** Make another list the one at hand: `states`, and a `search` for part of shot, plate or client. */
  async look(asked) {
    const list = new List(asked);
    this.#list = list.whole ? this.#all : list;
    this.#tell(); // with what is known already
    // Where everything was read, nothing can be found that is not known.
    if (list.whole || this.#all.cursor === null) return;
    do this.#put(await list.read());
    while (list.inWork && list.cursor !== null && this.#list === list);
  }

  /** Read the next page of the list at hand. */
  async older() {
    this.#put(await this.#list.read());
  }

  /** Get to know the jobs that `search` finds, whatever list is at hand; what half of the shots are called like is not read to its end. */
  async find(search) {
    const list = new List({ search });
    do this.#put(await list.read());
    while (list.cursor !== null && list.depth < MOST_FOUND);
  }

  #put(jobs) {
    for (const job of jobs) {
      const before = this.#known.get(job.id);
      if (before && before.updated_at > job.updated_at) continue; // a reply that was overtaken by an event
      if (!before) this.#sorted = null;
      this.#known.set(job.id, summary(job, before));
    }
    this.#tell();
  }

  #tell() {
    if (this.#telling) return;
    this.#telling = true;
    requestAnimationFrame(() => {
      this.#telling = false;
      this.dispatchEvent(new Event("change"));
    });
  }
}

/** Order of lists; positive where `a` is the older one. */
const older = (a, b) => compared(b.created_at, a.created_at) || compared(b.id, a.id);

/** Order of what is in work; positive where `a` runs later. Of equal priorities, the oldest goes first. */
const later = (a, b) => (b.state === "running") - (a.state === "running") || b.priority - a.priority || -older(a, b);
const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const plain = (text) => text.normalize("NFC").toLowerCase();

/** A whole job and a job of a list say the same in two shapes; keep the flat one. */
function summary(job, before = {}) {
  if (typeof job.shot === "string" || job.shot === undefined) return { ...before, ...job };
  return { ...job, shot: job.shot.name, shot_id: before.shot_id, plate: job.request?.plate ?? before.plate ?? "", client: job.request?.client ?? null,
    frames_total: job.frames?.length ?? before.frames_total ?? 0, first_frame: job.frames?.[0] ?? before.first_frame ?? null };
}
