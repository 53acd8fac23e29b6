/** Keeps the page as the service is: a snapshot on connect, changes after it; a lost connection goes on where it broke off. */

import { listJobs } from "./api.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 4000;

/**
 * Listen to `/events` until the page goes.
 * @param {object} hear `snapshot` (a page of jobs; resolves to whether the page took it), `job` and `progress` (what changed), `counts` (by state), `frames` (id and states), `gone` (id), `link` (state, words)
 */
export function listen(hear) {
  let wait = FIRST_WAIT;
  let source = null;
  let last = ""; // number of the last event that was heard
  let whole = false; // a snapshot was taken, so that what changed since is all that is missing

  async function begin(page) {
    whole = false;
    whole = await hear.snapshot(page);
  }

  function open() {
    source = new EventSource(whole && last ? `/events?since=${last}` : "/events");
    source.addEventListener("open", () => {
      wait = FIRST_WAIT;
      hear.link("live", "Live");
    });
    const on = (name, heard) => source.addEventListener(name, (event) => {
      last = event.lastEventId || last;
      heard(JSON.parse(event.data));
    });
    on("snapshot", begin);
    on("reset", begin);
    on("job", hear.job);
    on("progress", hear.progress);
    on("counts", hear.counts);
    on("frames", hear.frames);
    on("removed", (data) => hear.gone(data.id));
    source.addEventListener("error", lost);
  }

  async function lost() {
    // The browser's own reconnection gives up on an error status and cannot say why: ask, then try again ourselves.
    source.close();
    hear.link("lost", "Reconnecting…");
    try {
      await listJobs({ limit: 1 });
    } catch (error) {
      if (error.status === 401) hear.link("out", "Not signed in");
      else if (error.status === 0) hear.link("lost", "Service away, reconnecting…");
    }
    setTimeout(open, wait);
    wait = Math.min(LONGEST_WAIT, wait * 2);
  }

  open();
  window.addEventListener("pagehide", () => source.close());
}
