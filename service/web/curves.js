/** Quality figures of a shot as curves over its frames, and the frames that stand out, one click away. */

import { el } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 240, HEIGHT = 24;
const MOST = 8; // frames in the list

const shape = (tag, attributes) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

/**
 * @param {Array<{name: string, words: string, tell: (v: number) => string, stands?: boolean}>} figures
 * @param {(frame: number) => void} goTo
 */
export function curves(figures, goTo) {
  let frames = [];
  let measured = new Map();
  let heads = [];
  const charts = el("div", { class: "charts" });
  const worst = el("ol", { class: "standouts plain", "aria-label": "Frames that stand out" });
  const grade = el("p", { class: "grade" });
  const none = el("p", { class: "hint", text: "Figures appear once frames are keyed." });
  const node = el("section", { class: "quality", "aria-labelledby": "quality-title" }, el("h2", { id: "quality-title", text: "Quality" }), grade, none, worst, charts);

  /** Show values: frame → {figure: number}; `standing` are [{frame, words}] worst first. */
  function show(list, values, standing) {
    frames = list;
    measured = values;
    none.hidden = values.size > 0;
    worst.replaceChildren(...standing.slice(0, MOST).map(({ frame, words }) => el("li", {}, el("button", { type: "button", class: "jump", data: { frame }, on: { click: () => goTo(frame) } },
      el("strong", { text: String(frame) }), el("span", { text: words })))),
      ...(standing.length > MOST ? [el("li", { class: "hint", text: `and ${standing.length - MOST} more: N goes to each.` })] : []));
    const present = figures.filter(({ name }) => [...values.values()].some((v) => Number.isFinite(v[name])));
    heads = present.map(chart);
    charts.replaceChildren(...heads.map((head) => head.node));
  }

  function chart(figure) {
    const known = frames.map((frame) => measured.get(frame)?.[figure.name]);
    const real = known.filter(Number.isFinite);
    const top = Math.max(...real, 1e-9);
    const bottom = figure.stands ? Math.min(...real, 0) : Math.min(...real) - 1e-9;
    const x = (i) => (frames.length > 1 ? (i / (frames.length - 1)) * WIDTH : WIDTH / 2);
    const y = (v) => HEIGHT - 2 - ((v - bottom) / (top - bottom || 1)) * (HEIGHT - 4);
    let path = "";
    known.forEach((v, i) => {
      if (Number.isFinite(v)) path += `${path && Number.isFinite(known[i - 1]) ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    });
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const line = shape("line", { class: "now", y1: 0, y2: HEIGHT });
    svg.append(shape("path", { class: "curve", d: path }), line);
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      goTo(frames[Math.round(((event.clientX - box.left) / box.width) * (frames.length - 1))]);
    });
    const value = el("output", {});
    return {
      node: el("figure", {}, el("figcaption", {}, el("span", { text: figure.words }), value), svg),
      at: (frame) => {
        const v = measured.get(frame)?.[figure.name];
        value.textContent = Number.isFinite(v) ? figure.tell(v) : "–";
        const place = x(Math.max(0, frames.indexOf(frame)));
        line.setAttribute("x1", place);
        line.setAttribute("x2", place);
      },
    };
  }

  function at(frame) {
    for (const head of heads) head.at(frame);
    for (const button of worst.querySelectorAll("button")) button.toggleAttribute("aria-current", Number(button.dataset.frame) === frame);
  }

  return { node, show, at, grade: (words) => { grade.textContent = words; } };
}
