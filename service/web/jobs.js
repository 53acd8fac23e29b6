/** The jobs this page knows of, kept up to date by events; tells whoever listens, once per frame of the screen. */

import { listJobs } from "./api.js";

export class Jobs extends EventTarget {
  #known = new Map();
  #cursor = null;
  #telling = false;

  /** How the connection is: "live", "lost", "out" (not signed in), or null before the first answer. */
  state = null;

  link(state) {
    this.state = state;
    this.#tell();
  }

  /** More jobs are in the store than are shown. */
  get more() {
    return this.#cursor !== null;
  }

  get(id) {
    return this.#known.get(id);
  }

  /** Newest first, as the API lists them. */
  all() {
    return [...this.#known.values()].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id));
  }

  /** Other versions of the same shot, newest first. */
  versions(job) {
    return this.all().filter((other) => shotName(other) === shotName(job) && other.plate === job.plate)
      .sort((a, b) => b.version - a.version);
  }

  /** Take the newest page anew: what a snapshot says. */
  begin(page) {
    this.#known.clear();
    this.#take(page);
  }

  /** Take how far a job is. */
  progress(data) {
    const job = this.#known.get(data.id);
    if (job) this.#known.set(data.id, { ...job, ...data });
    this.#tell();
  }

  update(job) {
    this.#put(job);
    this.#tell();
  }

  remove(id) {
    this.#known.delete(id);
    this.#tell();
  }

  /** Read the next page of older jobs. */
  async older() {
    this.#take(await listJobs({ cursor: this.#cursor }));
  }

  /** Read the newest jobs in each of `states`: the ones that need somebody may be older than what is shown. */
  async find(states) {
    const pages = await Promise.all(states.map((state) => listJobs({ state })));
    for (const page of pages) for (const job of page.jobs) this.#put(job);
    this.#tell();
  }

  #take(page) {
    this.#cursor = page.next_cursor;
    for (const job of page.jobs) this.#put(job);
    this.#tell();
  }

  #put(job) {
    const before = this.#known.get(job.id);
    if (before && before.updated_at > job.updated_at) return; // a reply that was overtaken by an event
    this.#known.set(job.id, summary(job, before));
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

const shotName = (job) => (typeof job.shot === "string" ? job.shot : job.shot?.name) ?? "";

/** A whole job and a job of a list say the same in two shapes; keep the flat one. */
function summary(job, before = {}) {
  if (typeof job.shot === "string" || job.shot === undefined) return { ...before, ...job };
  return { ...job, shot: job.shot.name, plate: job.request?.plate ?? before.plate ?? "", client: job.request?.client ?? null,
    frames_total: job.frames?.length ?? before.frames_total ?? 0, first_frame: job.frames?.[0] ?? before.first_frame ?? null };
}
