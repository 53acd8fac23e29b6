/** The buttons above the picture: what is shown, over what, against what, which channel, how bright, how near. */

import { attempt, choice, el } from "./dom.js";

export const VIEWS = [["plate", "Plate", "1"], ["foreground", "Foreground", "2"], ["alpha", "Alpha", "3"], ["composite", "Composite", "4"],
  ["overlay", "Overlay", "5"], ["status", "Status", "6"]];
const SIDES = VIEWS.slice(0, 4);
export const BACKGROUNDS = [["grey", "Grey"], ["checker", "Checker"], ["black", "Black"], ["white", "White"]];

export function toolbar(looking, viewer) {
  const set = (name) => (value) => looking.set({ [name]: value });
  const view = choice("Show", VIEWS, set("view"));
  const over = choice("Composite over", BACKGROUNDS, (value) => looking.set({ over: value, view: "composite" }));
  const compare = choice("Compare", [["off", "Single"], ["wipe", "Wipe", "w"], ["difference", "Difference", "d"]], set("compare"));
  const shown = choice("Channel", [["rgb", "RGB"], ["r", "R", "r"], ["g", "G", "g"], ["b", "B", "b"], ["a", "A", "a"]], set("channel"));
  const against = el("select", { "aria-label": "Compare with", on: { change: () => looking.set({ against: against.value }) } });
  const file = el("input", { type: "file", accept: "image/*", class: "hidden", id: "own", tabindex: -1, "aria-hidden": "true", "aria-label": "Own picture",
    on: { change: () => file.files[0] && attempt(() => looking.behind(file.files[0])) } });
  const own = el("button", { type: "button", class: "own", "aria-pressed": "false", on: { click: () => (looking.hasOwn && looking.how.over !== "own" ? looking.set({ over: "own", view: "composite" }) : file.click()) } }, "Picture…");
  const exposure = dial("exposure", "Exposure", -8, 8, 0.25, (v) => `${v > 0 ? "+" : ""}${v.toFixed(2)}`, (v) => looking.set({ exposure: v }));
  const gamma = dial("gamma", "Gamma", 0.25, 4, 0.05, (v) => v.toFixed(2), (v) => looking.set({ gamma: v }));
  const near = el("output", { class: "near" });
  const button = (words, label, run) => el("button", { type: "button", "aria-label": label, title: label, text: words, on: { click: run } });
  const node = el("div", { class: "toolbar", role: "toolbar", "aria-label": "View" },
    view.node, el("span", { class: "pair" }, over.node, own, file), el("span", { class: "pair" }, compare.node, against), shown.node,
    exposure.node, gamma.node,
    el("span", { class: "pair zoom" }, button("−", "Zoom out (-)", () => viewer.zoomStep(-1)), near, button("+", "Zoom in (+)", () => viewer.zoomStep(1)),
      button("Fit", "Fit (F)", () => viewer.fit()), button("1:1", "Picture pixels (H)", () => viewer.zoomTo(1))));

  function show() {
    const { how } = looking;
    view.show(how.view);
    over.show(how.over);
    own.setAttribute("aria-pressed", String(how.over === "own"));
    compare.show(how.compare);
    shown.show(how.channel);
    const others = [...SIDES, ...(looking.onTrial || how.against === "saved" ? [["saved", `${looking.words}, saved`]] : []),
      ...looking.others.map(({ id, words }) => [`job:${id}`, words])];
    if (against.dataset.of !== others.join()) {
      against.dataset.of = others.join();
      against.replaceChildren(...others.map(([value, words]) => el("option", { value, text: `B: ${words}` })));
    }
    against.value = how.against;
    against.disabled = how.compare === "off";
    exposure.show(how.exposure);
    gamma.show(how.gamma);
  }

  looking.addEventListener("change", show);
  show();
  return { node, zoomed: (words) => { if (near.textContent !== words) near.textContent = words; } };
}

function dial(name, words, min, max, step, tell, changed) {
  const input = el("input", { type: "range", id: name, min, max, step, on: { input: () => changed(Number(input.value)) } });
  const value = el("output", { for: name });
  const node = el("span", { class: "dial" }, el("label", { for: name, text: words }), input, value);
  return { node, show: (now) => { input.value = now; value.textContent = tell(now); } };
}
