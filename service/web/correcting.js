/** Corrections of the key: strokes and boxes on frames, drawn on the picture, undone one by one, seen on the frame at once. */

import { choice, el, say } from "./dom.js";
import { counted } from "./words.js";

const COLORS = { keep: "#4fd08a", remove: "#ff6f61", decide: "#7ab8ff" };
export const SAYS = [["look", "Move", "v"], ["keep", "Keep", "k"], ["remove", "Remove", "x"], ["decide", "Decide", "u"]];
const LEAST_STEP = 2; // picture pixels between two points of a stroke
const MOST_POINTS = 2000; // that the service takes of one stroke

/**
 * @param {{viewer: Viewer, frame: () => number, goTo: (frame: number) => void, drawn: () => void}} does
 *   `drawn`: the strokes are others now.
 */
export function correcting({ viewer, frame, goTo, drawn }) {
  let original = {}; // frame → strokes, as the job has them
  let frames = {};
  let history = []; // what `frames` was before each step
  let tool = "look";
  let boxed = false;
  let stroke = null; // that is being drawn
  const tools = choice("Tool", SAYS, (value) => use(value));
  const shape = choice("Shape", [["brush", "Brush"], ["box", "Box"]], (value) => { boxed = value === "box"; shape.show(value); });
  const output = el("output", { for: "brush" });
  const size = el("input", { type: "range", id: "brush", min: 2, max: 200, step: 1, value: 40, on: { input: () => { output.textContent = size.value; } } });
  output.textContent = size.value;
  const undoing = el("button", { type: "button", text: "Undo", title: "Undo the last stroke (Ctrl+Z)", on: { click: () => undo() } });
  const clearing = el("button", { type: "button", text: "Clear this frame", on: { click: () => change(frame(), []) } });
  const list = el("p", { class: "hint drawn" });
  const node = el("section", { class: "correcting", "aria-labelledby": "correcting-title" }, el("h2", { id: "correcting-title", text: "Correct" }),
    tools.node, el("div", { class: "setting" }, el("label", { for: "brush", text: "Brush, pixels" }), output, size), shape.node,
    list, el("div", { class: "buttons" }, undoing, clearing));

  function use(value) {
    tool = value;
    tools.show(value);
    viewer.draws(value === "look" ? null : { down, move, up });
    viewer.draw();
  }

  const at = ({ x, y }) => [Number(x.toFixed(1)), Number(y.toFixed(1))];

  function down(point) {
    stroke = { says: tool, points: [at(point)], width: Number(size.value), box: boxed };
  }

  function move(point) {
    const last = stroke.points.at(-1);
    if (boxed) stroke.points[1] = at(point);
    else if (stroke.points.length < MOST_POINTS && Math.hypot(point.x - last[0], point.y - last[1]) >= LEAST_STEP) stroke.points.push(at(point));
    viewer.draw();
  }

  function up() {
    const made = stroke;
    stroke = null;
    if (made && !(boxed && made.points.length < 2)) change(frame(), [...(frames[frame()] ?? []), made]);
  }

  function change(number, strokes) {
    history.push(frames);
    const { [number]: _, ...others } = frames;
    frames = strokes.length ? { ...others, [number]: strokes } : others;
    show();
    drawn();
  }

  function undo() {
    if (!history.length) return;
    frames = history.pop();
    show();
    drawn();
  }

  /** Draw at a pixel, as a click there does; of a box, the first corner, then the other one. */
  function stamp({ x, y }) {
    if (tool === "look") return;
    const point = { x: x + 0.5, y: y + 0.5 };
    if (!stroke) down(point);
    else move(point);
    if (!boxed || stroke.points.length > 1) up();
    viewer.draw();
  }

  function show() {
    const drawnOn = Object.keys(frames).map(Number).sort((a, b) => a - b);
    undoing.disabled = !history.length;
    clearing.disabled = !frames[frame()];
    say(list, drawnOn.length ? "" : "Draw on any frame: what you say there is carried along with the motion to the others.");
    if (drawnOn.length) list.replaceChildren("Drawn on ", ...drawnOn.flatMap((number, index) => [index ? ", " : "", el("button", { type: "button", class: "link-like", text: String(number),
      "aria-label": `Go to frame ${number}, ${counted(frames[number].length, "stroke")}`, on: { click: () => goTo(number) } })]));
    viewer.draw();
  }

  /** Paint the strokes of the frame at hand over the picture, while strokes are drawn; they are no part of it. */
  viewer.overlay = (context, { left, top, width, height, scale }) => {
    const shown = tool === "look" ? [] : [...(frames[frame()] ?? []), ...(stroke ? [stroke] : [])];
    if (!shown.length) return;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.translate(left, top);
    context.scale(scale, scale);
    context.globalAlpha = 0.4;
    context.lineCap = context.lineJoin = "round";
    for (const { says, points, width, box } of shown) {
      context.strokeStyle = context.fillStyle = COLORS[says];
      const [[x, y], [right, bottom] = points[0]] = [points[0], points.at(-1)];
      if (box) context.fillRect(Math.min(x, right), Math.min(y, bottom), Math.abs(right - x), Math.abs(bottom - y));
      else {
        context.lineWidth = width;
        context.beginPath();
        context.moveTo(x, y);
        for (const [px, py] of points.length > 1 ? points : [[x + 0.01, y]]) context.lineTo(px, py);
        context.stroke();
      }
    }
    context.restore();
  };

  use("look");
  shape.show("brush");
  return {
    node, use, undo, stamp, show,
    begin(job) {
      original = job.request.mattes.corrections?.frames ?? {};
      frames = original;
      history = [];
      show();
    },
    reset() { if (frames !== original) { frames = original; history = []; show(); } },
    get corrections() { return Object.keys(frames).length ? { frames } : null; },
    get differs() { return JSON.stringify(frames) !== JSON.stringify(original); },
    bigger: (by) => { size.value = Number(size.value) + by; output.textContent = size.value; },
  };
}
