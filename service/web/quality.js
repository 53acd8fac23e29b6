/** What the figures of a frame are called, how they read, and which frames stand out. */

import { float } from "./words.js";

const percent = (v) => `${(100 * v).toFixed(v < 0.1 ? 2 : 1)} %`;

/** In the order of interest; `stands` figures make a frame stand out when they leave the shot's usual. */
export const FIGURES = [
  { name: "edge_spill", words: "Spill at edges", tell: float, stands: true },
  { name: "flicker", words: "Flicker", tell: float, stands: true },
  { name: "screen_noise", words: "Noise in the screen", tell: float, stands: true },
  { name: "core_noise", words: "Noise in the core", tell: float, stands: true },
  { name: "soft_share", words: "Soft pixels", tell: percent, stands: true },
  { name: "screen_share", words: "Screen", tell: percent },
  { name: "core_share", words: "Core", tell: percent },
  { name: "nan_repaired", words: "NaN repaired", tell: (v) => String(v), stands: true },
];

const STRAYS = 4; // robust standard deviations
const MOST = 8;

/** Frame → its figures, of frames that have any. */
export function measuredOf(frames) {
  const found = frames.filter(({ notes }) => notes).map(({ frame, notes }) => [frame, { ...notes, ...notes.quality }]);
  return new Map(found);
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
};

/**
 * Frames that stand out, worst first: failed ones, those with warnings, and those far above the shot's median, in units of
 * 1.4826 · median absolute deviation (a robust standard deviation).
 */
export function standouts(frames, measured) {
  const found = new Map();
  const add = (frame, weight, words) => {
    if (!(found.get(frame)?.weight >= weight)) found.set(frame, { frame, weight, words });
  };
  for (const result of frames) {
    if (result.state === "failed") add(result.frame, Infinity, result.problem?.message ?? "Failed");
    for (const words of result.notes?.warnings ?? []) add(result.frame, 1, words);
  }
  for (const figure of FIGURES.filter(({ stands }) => stands)) {
    const values = [...measured].map(([frame, all]) => [frame, all[figure.name]]).filter(([, v]) => Number.isFinite(v));
    if (values.length < 4) continue;
    const usual = median(values.map(([, v]) => v));
    const spread = 1.4826 * median(values.map(([, v]) => Math.abs(v - usual))) + 0.02 * Math.abs(usual) + 1e-4;
    for (const [frame, v] of values) {
      const strays = (v - usual) / spread;
      if (strays > STRAYS) add(frame, strays, `${figure.words}: ${figure.tell(v)}`);
    }
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight || a.frame - b.frame).slice(0, MOST);
}
