/** What the viewer shows, pixel by pixel: over a picture of the artist's own, one channel, a difference. Pure: pictures in, picture out. */

import { decode, encode } from "./words.js";

const STEPS = 4096;
const TO_LINEAR = Float32Array.from({ length: 256 }, (_, v) => decode(v / 255));

/** Pixels of a bitmap, RGBA. */
export function pixelsOf(bitmap, width = bitmap.width, height = bitmap.height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * Lay a foreground over the artist's own picture. All three are displayed ones: light is added linearly, so the display's
 * curve is taken off and put on again. Exposure is in the foreground already; the background gets the same here.
 * @param {{exposure: number, gamma: number, straight: boolean}} look `straight`: the foreground is not multiplied by alpha yet
 */
export function over(foreground, alpha, behind, { exposure, gamma, straight }) {
  const result = new ImageData(foreground.width, foreground.height);
  const f = foreground.data, a = alpha.data, b = behind.data, out = result.data;
  const light = Float32Array.from({ length: 256 }, (_, v) => decode((v / 255) ** gamma));
  const shown = Uint8ClampedArray.from({ length: STEPS + 1 }, (_, v) => Math.round(255 * encode(v / STEPS) ** (1 / gamma)));
  const gain = 2 ** exposure;
  for (let i = 0; i < out.length; i += 4) {
    const coverage = a[i] / 255;
    const rest = (1 - coverage) * gain;
    const own = straight ? coverage : 1;
    for (let c = 0; c < 3; c++) {
      const sum = own * light[f[i + c]] + rest * TO_LINEAR[b[i + c]];
      out[i + c] = shown[Math.min(STEPS, (sum * STEPS + 0.5) | 0)];
    }
    out[i + 3] = 255;
  }
  return result;
}

/** A plate with red over it where it is keyed away. */
export function tinted(plate, alpha) {
  const result = new ImageData(plate.width, plate.height);
  const from = plate.data, a = alpha.data, out = result.data;
  for (let i = 0; i < out.length; i += 4) {
    const gone = 0.6 * (1 - a[i] / 255);
    out[i] = from[i] + (255 - from[i]) * gone;
    out[i + 1] = from[i + 1] * (1 - gone);
    out[i + 2] = from[i + 2] * (1 - gone);
    out[i + 3] = 255;
  }
  return result;
}

/** One channel as grey; 0, 1, 2 for red, green, blue. */
export function channel(picture, index) {
  const result = new ImageData(picture.width, picture.height);
  const from = picture.data, out = result.data;
  for (let i = 0; i < out.length; i += 4) {
    out[i] = out[i + 1] = out[i + 2] = from[i + index];
    out[i + 3] = 255;
  }
  return result;
}

/** |a − b| of what is shown; exposure brightens it, as it does both. */
export function difference(a, b) {
  const result = new ImageData(a.width, a.height);
  const x = a.data, y = b.data, out = result.data;
  for (let i = 0; i < out.length; i += 4) {
    for (let c = 0; c < 3; c++) out[i + c] = Math.abs(x[i + c] - y[i + c]);
    out[i + 3] = 255;
  }
  return result;
}
