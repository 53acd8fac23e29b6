/** One job in the queue: a row that changes in place, so that focus stays while events arrive. */

import { frameAt, getFrames, picturePath, refusalOf } from "./api.js";
import { el, say } from "./dom.js";
import { ACTIONS, FILTERS, STATES, ago, duration, troubleOf, version } from "./words.js";

const THUMBNAIL = 192; // pixels of the longer side: twice what is shown, for dense screens

/**
 * Return a row.
 * @param {object} first the job
 * @param {{open: (id: string) => void, run: (job: object, verb: string) => void, prioritize: (job: object, by: number) => void}} does
 */
export function jobRow(first, does) {
  let job = first;
  let asked = {}; // what was known when the picture was asked for
  let failed = false;
  const image = el("img", { alt: "", loading: "lazy", decoding: "async", on: { error: missing, load: () => image.classList.add("loaded") } });
  const thumb = el("div", { class: "thumb" }, image);
  const why = el("p", { class: "why", hidden: true }); // there is no picture
  const name = el("a", { class: "open", href: `#/shot/${job.id}` });
  const plate = el("span", { class: "plate" });
  const state = el("span", { class: "state" });
  const bar = el("progress", { max: 1, "aria-label": "Frames done" });
  const done = el("span", { class: "figures" });
  const problem = el("p", { class: "trouble", hidden: true });
  const priority = el("output", { class: "priority" });
  const step = (words, by, sign) => el("button", { type: "button", class: "small", text: sign, on: { click: () => does.prioritize(job, by) }, data: { words } });
  const later = step("Later", -10, "−");
  const sooner = step("Sooner", 10, "+");
  const actions = el("div", { class: "actions" });
  const pick = el("input", { type: "checkbox", class: "pick", on: { change: () => does.pick(job, pick.checked) } });
  const node = el("li", { class: "job", data: { id: job.id } },
    thumb,
    el("div", { class: "who" }, name, plate, problem, why),
    el("div", { class: "how" }, el("div", { class: "top" }, state, done), bar),
    el("div", { class: "rank", role: "group" }, later, priority, sooner),
    actions, pick);
  let verbs = "";

  function show(now) {
    job = now;
    node.dataset.state = job.state;
    say(name, `${job.shot} ${version(job.version)}`);
    say(plate, [job.plate, ago(job.created_at), job.client && `by ${job.client}`].filter(Boolean).join(" · "));
    plate.title = job.plate;
    pick.setAttribute("aria-label", `Select ${job.shot} ${version(job.version)}`);
    say(state, STATES[job.state] ?? job.state);
    say(done, figures(job));
    bar.max = Math.max(1, job.frames_total);
    bar.value = job.frames_done;
    bar.hidden = job.frames_total === 0;
    bar.setAttribute("aria-label", `${job.shot}: frames done`);
    problem.hidden = !job.problem;
    say(problem, troubleOf(job));
    say(priority, String(job.priority));
    const waits = ["waiting_input", "queued", "running", "paused", "root_offline"].includes(job.state);
    node.querySelector(".rank").hidden = !waits;
    node.querySelector(".rank").setAttribute("aria-label", `Priority of ${job.shot}`);
    for (const button of [later, sooner]) button.setAttribute("aria-label", `${button.dataset.words}: ${job.shot}`);
    offer();
    picture();
  }

  function offer() {
    const offered = ACTIONS[job.state] ?? {};
    const wanted = Object.keys(offered).join(" ");
    if (wanted === verbs) return;
    const had = actions.contains(document.activeElement);
    verbs = wanted;
    actions.replaceChildren(...Object.entries(offered).map(([verb, words]) => el("button", { type: "button", data: { verb },
      "aria-label": `${words} ${job.shot} ${version(job.version)}`, text: words, on: { click: () => does.run(job, verb) } })));
    if (had) (actions.querySelector("button") ?? name).focus();
  }

  function picture() {
    if (!job.frames_done || job.first_frame === null || job.first_frame === undefined) return;
    // The first frame need not be the first that is done.
    const now = { frame: job.first_frame, done: job.frames_done, atWork: atWork() };
    if ((failed ? ["frame", "done", "atWork"] : ["frame"]).every((name) => asked[name] === now[name])) return;
    asked = now;
    load(job.first_frame);
  }

  function load(frame) {
    failed = false;
    image.src = picturePath(frameAt(job.id, frame), "composite", { size: THUMBNAIL });
    tell("");
  }

  const atWork = () => FILTERS.active.includes(job.state);

  async function missing() {
    image.classList.remove("loaded");
    failed = true;
    picture();
    const path = image.getAttribute("src");
    const refusal = failed && await refusalOf(path);
    if (!refusal || !failed || image.getAttribute("src") !== path) return; // it was asked for anew
    if (refusal.status === 404) {
      if (atWork()) return; // its turn comes
      // Where the first frame failed, another one shows the shot.
      const done = await getFrames(job.id).then((frames) => frames.find(({ state: its }) => its === "done"), () => null);
      if (done && path === image.getAttribute("src") && !path.startsWith(`${frameAt(job.id, done.frame)}/`)) return load(done.frame);
    }
    tell(`No picture: ${refusal.message}`);
  }

  function tell(words) {
    thumb.classList.toggle("none", words !== "");
    why.hidden = !words;
    say(why, words);
  }

  /** Ask for the picture again if there was none. */
  function again() {
    if (!failed) return;
    asked = {};
    picture();
  }

  show(job);
  return { node, show, again, pick };
}

function figures(job) {
  // A movie's pictures are counted once a worker has begun; of what never began they never will be.
  const all = job.frames_total ? `${job.frames_done} / ${job.frames_total}` : FILTERS.active.includes(job.state) ? "frames not counted yet" : null;
  const running = job.state === "running";
  return [all,
    job.frames_failed ? `${job.frames_failed} failed` : null,
    job.frames_per_second ? `${job.frames_per_second.toFixed(job.frames_per_second < 10 ? 1 : 0)} fps` : null,
    running && job.eta_seconds !== null && job.eta_seconds !== undefined ? `${duration(job.eta_seconds)} left` : null,
  ].filter(Boolean).join(" · ");
}
