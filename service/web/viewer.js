/** The picture on the screen: fits, zooms to pixels, pans, wipes; knows nothing of jobs. */

import { el } from "./dom.js";

const CLOSEST = 32;

export class Viewer {
  #a = null; // canvases at the picture's own size
  #b = null;
  #zoom = 0; // 0: fit
  #center = { x: 0.5, y: 0.5 }; // of the picture, 0–1, in the middle of the view
  #wipe = 0.5;
  #dragging = null;
  #drawing = false;
  #pen = null; // {down, move, up} in picture pixels, while the pointer draws

  /** @param {{hover: (x: number, y: number) => void, left: () => void, zoomed: (words: string) => void}} hear */
  constructor(hear) {
    this.hear = hear;
    this.probe = null;
    this.overlay = () => {}; // paints over the picture: (context, {left, top, width, height, scale})
    this.canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": "Picture" });
    this.sentence = el("p", { class: "sentence", role: "status" });
    this.labels = ["a", "b"].map((side) => el("span", { class: `label ${side}`, hidden: true }));
    this.node = el("div", { class: "viewer" }, this.canvas, this.sentence, ...this.labels);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.node);
    const on = (name, heard, how) => this.canvas.addEventListener(name, heard, how);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", () => {
      if (this.#dragging === "pen") this.#pen?.up();
      this.#dragging = null;
    });
    on("pointerleave", () => this.hear.left());
    on("dblclick", () => (this.#zoom ? this.fit() : this.zoomTo(1)));
    on("wheel", (event) => {
      event.preventDefault();
      this.#zoomAt(this.scale * (event.deltaY < 0 ? 1.25 : 0.8), event.offsetX, event.offsetY);
    }, { passive: false });
  }

  close() {
    this.watch.disconnect();
  }

  /** Show `a`, and `b` right of the wipe where there is one. ImageData; `words` say what each is. */
  show(a, b = null, words = []) {
    this.#label(words);
    this.#a = a && painted(a);
    this.#b = b && painted(b);
    this.sentence.textContent = "";
    this.draw();
  }

  /** Say why there is no picture. */
  tell(words) {
    this.#a = this.#b = null;
    this.#label([]);
    this.sentence.textContent = words;
    this.draw();
  }

  #label(words) {
    this.labels.forEach((node, index) => {
      node.hidden = !words[index];
      node.textContent = words[index] ? `${"AB"[index]}: ${words[index]}` : "";
    });
  }

  /** How near and where the picture is looked at, to be looked at so again. */
  get stand() {
    return { zoom: this.#zoom, center: this.#center, wipe: this.#wipe };
  }

  set stand({ zoom, center, wipe }) {
    [this.#zoom, this.#center, this.#wipe] = [zoom, center, wipe];
    this.draw();
  }

  get size() {
    return this.#a ? { width: this.#a.width, height: this.#a.height } : null;
  }

  /** Screen pixels (CSS) per picture pixel. */
  get scale() {
    if (!this.#a) return 1;
    const { clientWidth, clientHeight } = this.node;
    return this.#zoom || Math.min(clientWidth / this.#a.width, clientHeight / this.#a.height) || 1;
  }

  fit() {
    this.#zoom = 0;
    this.#center = { x: 0.5, y: 0.5 };
    this.draw();
  }

  /** One picture pixel is `scale` pixels of the screen. */
  zoomTo(scale) {
    this.#zoom = scale / (window.devicePixelRatio || 1);
    this.draw();
  }

  /** Go to the next power of two, nearer (1) or farther (-1). */
  zoomStep(way) {
    const dense = window.devicePixelRatio || 1;
    const level = Math.log2(this.scale * dense);
    const wanted = way > 0 ? Math.floor(level + 1.001) : Math.ceil(level - 1.001);
    this.#zoomAt(2 ** wanted / dense, this.node.clientWidth / 2, this.node.clientHeight / 2);
  }

  /** Move the view by shares of what is seen. */
  pan(x, y) {
    if (!this.#a) return;
    this.#center.x += (x * this.node.clientWidth) / this.scale / this.#a.width;
    this.#center.y += (y * this.node.clientHeight) / this.scale / this.#a.height;
    this.draw();
  }

  get wipe() {
    return this.#wipe;
  }

  set wipe(share) {
    this.#wipe = Math.min(1, Math.max(0, share));
    this.draw();
  }

  /** Mark a pixel, or none. */
  mark(probe) {
    this.probe = probe;
    this.draw();
  }

  /** Let the pointer draw with a pen, or move the view again (null). The middle button moves it in any case. */
  draws(pen) {
    this.#pen = pen;
    this.canvas.classList.toggle("drawing", pen !== null);
  }

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#paint();
    });
  }

  #place() {
    const scale = this.scale;
    const width = this.#a.width * scale, height = this.#a.height * scale;
    const keep = (center, view, all) => (all <= view ? 0.5 : Math.min(1 - view / 2 / all, Math.max(view / 2 / all, center)));
    this.#center = { x: keep(this.#center.x, this.node.clientWidth, width), y: keep(this.#center.y, this.node.clientHeight, height) };
    return { scale, width, height, left: this.node.clientWidth / 2 - this.#center.x * width, top: this.node.clientHeight / 2 - this.#center.y * height };
  }

  #paint() {
    const dense = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.node;
    this.canvas.width = Math.round(clientWidth * dense);
    this.canvas.height = Math.round(clientHeight * dense);
    if (!this.#a || !clientWidth) return;
    const context = this.canvas.getContext("2d");
    const { scale, left, top, width, height } = this.#place();
    context.scale(dense, dense);
    context.imageSmoothingEnabled = scale * dense < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#a, left, top, width, height);
    if (this.#b) this.#paintWipe(context, { left, top, width, height });
    this.overlay(context, { left, top, width, height, scale });
    if (this.probe) {
      const size = Math.max(scale, 5);
      const middle = (at, from) => from + (at + 0.5) * scale - size / 2;
      context.lineWidth = 1;
      for (const [color, grow] of [["#000", 1], ["#fff", 0]]) {
        context.strokeStyle = color;
        context.strokeRect(middle(this.probe.x, left) - grow, middle(this.probe.y, top) - grow, size + 2 * grow, size + 2 * grow);
      }
    }
    this.hear.zoomed(this.#zoom ? `${Math.round(scale * dense * 100)} %` : `Fit · ${Math.round(scale * dense * 100)} %`);
  }

  #paintWipe(context, { left, top, width, height }) {
    const line = left + this.#wipe * width;
    context.save();
    context.beginPath();
    context.rect(line, top, left + width - line, height);
    context.clip();
    context.drawImage(this.#b, left, top, width, height);
    context.restore();
    context.fillStyle = "#000";
    context.fillRect(line - 1.5, top, 3, height);
    context.fillStyle = "#fff";
    context.fillRect(line - 0.5, top, 1, height);
  }

  #zoomAt(scale, x, y) {
    if (!this.#a) return;
    const before = this.#place();
    const wanted = Math.min(CLOSEST, Math.max(0.05, scale));
    const at = { x: (x - before.left) / before.scale, y: (y - before.top) / before.scale };
    this.#zoom = wanted;
    this.#center = { x: (at.x - (x - this.node.clientWidth / 2) / wanted) / this.#a.width, y: (at.y - (y - this.node.clientHeight / 2) / wanted) / this.#a.height };
    this.draw();
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    const place = this.#a && this.#place();
    const onLine = place && this.#b && Math.abs(event.offsetX - (place.left + this.#wipe * place.width)) < 12;
    if (place && this.#pen && !onLine && event.button === 0) {
      this.#dragging = "pen";
      this.#pen.down(this.#inPicture(event, place));
      this.draw();
    } else this.#dragging = onLine ? "wipe" : { x: event.offsetX, y: event.offsetY };
  }

  #inPicture(event, place) {
    return { x: (event.offsetX - place.left) / place.scale, y: (event.offsetY - place.top) / place.scale };
  }

  #move(event) {
    if (!this.#a) return;
    const place = this.#place();
    if (this.#dragging === "wipe") this.wipe = (event.offsetX - place.left) / place.width;
    else if (this.#dragging === "pen") this.#pen?.move(this.#inPicture(event, place));
    else if (this.#dragging) {
      this.#center.x -= (event.offsetX - this.#dragging.x) / place.width;
      this.#center.y -= (event.offsetY - this.#dragging.y) / place.height;
      this.#dragging = { x: event.offsetX, y: event.offsetY };
      this.draw();
    }
    const x = Math.floor((event.offsetX - place.left) / place.scale), y = Math.floor((event.offsetY - place.top) / place.scale);
    if (x >= 0 && y >= 0 && x < this.#a.width && y < this.#a.height) this.hear.hover(x, y);
    else this.hear.left();
  }
}

function painted(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}
