/** The shot from first to last frame: thumbnails, what became of each frame, and a slider to scrub with. */

import { frameAt, picturePath } from "./api.js";
import { el } from "./dom.js";

const THUMB = 160; // pixels of the longer side
const WIDE = 84; // pixels on the screen per thumbnail
const USUAL_RATE = 24; // frames a second where the shot does not say; pictures that take longer are waited for

/**
 * @param {{id: string, went: (frame: number) => Promise}} does `went` resolves once the frame is drawn
 */
export function filmstrip({ id, went }) {
  let frames = [];
  let states = new Map();
  let at = 0;
  let playing = null;
  let rate = USUAL_RATE;
  let ends = null; // {first, last}: indices of in and out point
  const slider = el("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": "Frame", on: { input: () => go(Number(slider.value)) } });
  const thumbs = el("div", { class: "thumbs", "aria-hidden": "true" });
  const marks = el("div", { class: "marks", "aria-hidden": "true" });
  const head = el("div", { class: "head", "aria-hidden": "true" });
  const span = el("div", { class: "span", "aria-hidden": "true", hidden: true });
  const track = el("div", { class: "track" }, thumbs, marks, span, head, slider);
  const number = el("output", { class: "frame", id: "frame" });
  const button = el("button", { type: "button", class: "play", "aria-label": "Play", text: "▶", on: { click: () => play() } });
  const node = el("section", { class: "filmstrip", "aria-label": "Frames" }, button, track, number);
  const watch = new ResizeObserver(() => strip());
  watch.observe(track);

  function go(index) {
    if (!frames.length) return;
    at = Math.min(frames.length - 1, Math.max(0, index));
    place();
    return went(frames[at]);
  }

  function place() {
    slider.value = at;
    slider.setAttribute("aria-valuetext", `Frame ${frames[at]}`);
    number.textContent = frames.length ? `${frames[at]}  (${at + 1} of ${frames.length})` : "no frames";
    span.hidden = !ends;
    if (ends) {
      span.style.left = `${(100 * ends.first) / frames.length}%`;
      span.style.width = `${(100 * (ends.last - ends.first + 1)) / frames.length}%`;
    }
    for (const button of node.querySelectorAll(".point")) button.setAttribute("aria-pressed", String(ends !== null && ends[button.dataset.end] === at));
    head.style.left = `${frames.length > 1 ? (100 * (at + 0.5)) / frames.length : 50}%`;
  }

  /** Draw as many thumbnails as fit, spread over the shot; only of frames that are there. */
  function strip() {
    const fit = Math.max(1, Math.min(frames.length, Math.floor(track.clientWidth / WIDE)));
    const picked = frames.length ? Array.from({ length: fit }, (_, i) => frames[Math.floor(((i + 0.5) * frames.length) / fit)]) : [];
    const key = picked.map((frame) => `${frame}${states.get(frame)?.state}`).join();
    if (thumbs.dataset.key === key) return;
    thumbs.dataset.key = key;
    thumbs.replaceChildren(...picked.map((frame) => {
      if (states.get(frame)?.state !== "done") return el("span");
      const image = el("img", { alt: "", decoding: "async", draggable: "false", on: { error: () => image.replaceWith("No picture") },
        src: picturePath(frameAt(id, frame), "composite", { size: THUMB }) });
      return el("span", {}, image);
    }));
  }

  /** Show frames and what became of them; `worst` are the ones that stand out. */
  function show(list, found, worst = new Set()) {
    const now = frames[at];
    frames = list;
    states = found;
    at = Math.max(0, frames.indexOf(now));
    slider.max = Math.max(0, frames.length - 1);
    marks.replaceChildren(...frames.flatMap((frame, index) => {
      const state = states.get(frame)?.state;
      const kind = state === "failed" ? "failed" : worst.has(frame) ? "worst" : state === "done" ? null : "waiting";
      if (!kind) return [];
      const mark = el("i", { class: kind });
      mark.style.left = `${(100 * index) / frames.length}%`;
      mark.style.width = `${100 / frames.length}%`;
      return [mark];
    }));
    place();
    strip();
  }

  function play(on = playing === null) {
    playing = on ? {} : null;
    if (on) run(playing);
    button.textContent = on ? "❚❚" : "▶";
    button.setAttribute("aria-label", on ? "Stop playing" : "Play");
  }

  async function run(mine) {
    while (playing === mine) {
      const rest = new Promise((done) => setTimeout(done, 1000 / rate));
      const [first, final] = ends ? [ends.first, ends.last] : [0, frames.length - 1];
      await go(at >= final || at < first ? first : at + 1);
      await rest;
    }
  }

  /** Set the in point (`first`) or the out point (`last`) here; where it is here already, take both away. */
  function limit(end) {
    const both = { first: 0, last: frames.length - 1, ...ends };
    ends = ends?.[end] === at ? null : { ...both, [end]: at };
    if (ends && ends.first > ends.last) ends = { first: at, last: at };
    place();
  }

  const points = [["first", "In", "I"], ["last", "Out", "Shift+I"]].map(([end, words, keys]) =>
    el("button", { type: "button", class: "point", text: words, title: `${words} point here (${keys})`, "aria-pressed": "false", data: { end }, on: { click: () => limit(end) } }));
  node.insertBefore(el("span", { class: "points" }, ...points), number);

  return {
    node, show, play, limit,
    has: (frame) => frames.includes(frame),
    /** Play at the shot's own rate, where it is known. */
    rate(job) {
      const [above, below = 1] = (job.fps ?? job.request.fps ?? "").split("/").map(Number);
      rate = above > 0 ? above / below : USUAL_RATE;
    },
    again: () => { delete thumbs.dataset.key; strip(); },
    step: (by) => go(at + by),
    first: () => go(0),
    last: () => go(frames.length - 1),
    goTo: (frame) => go(frames.indexOf(frame)),
    get frame() { return frames[at]; },
    get next() { return frames[at + 1]; },
    close: () => { play(false); watch.disconnect(); },
  };
}
