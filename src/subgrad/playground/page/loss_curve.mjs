import { shown } from "./sample_walk.mjs";

/**
 * The losses of the steps, above them what the theory promises for the best of them, and dotted those of the points that
 * are held out, on logarithmic axes.
 */
export function drawCurve(canvas, training, palette) {
  const ratio = globalThis.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  const { losses, bounds, held } = training.curve;
  const known = [...losses, ...held, training.last.loss].filter((v) => v > 0 && Number.isFinite(v));
  const promised = bounds.filter(Number.isFinite);
  const top = Math.max(...known, 1e-4);
  const high = 1.2 * Math.max(top, Math.min(Math.max(...promised, 0), 6 * top));
  const low = Math.max(Math.min(high / 10, 0.8 * Math.min(...known, ...promised)), high * 1e-6);
  const frame = { left: 46 * ratio, right: width - 8 * ratio, top: 8 * ratio, bottom: height - 20 * ratio };
  const x = (i) => frame.left + ((frame.right - frame.left) * i) / Math.max(losses.length - 1, 1);
  const share = (v) => Math.log(Math.max(v, low) / low) / Math.log(high / low);
  const y = (v) => frame.bottom - (frame.bottom - frame.top) * share(v);
  axes(pen, { frame, y, low, high, ratio, palette, last: training.step });
  line(pen, bounds, x, (v) => Math.max(y(v), frame.top), palette.bound, 1.6 * ratio, [6 * ratio, 4 * ratio]);
  line(pen, held, x, y, palette.ink, 1.8 * ratio, [1.8 * ratio, 3.6 * ratio]);
  line(pen, losses, x, y, palette.ink, 1.8 * ratio);
}

function axes(pen, { frame, y, low, high, ratio, palette, last }) {
  pen.font = `${11 * ratio}px system-ui, sans-serif`;
  pen.fillStyle = palette.muted;
  pen.strokeStyle = palette.rule;
  pen.lineWidth = ratio;
  pen.textAlign = "right";
  for (const value of ticks(low, high)) {
    const at = y(value);
    pen.beginPath();
    pen.moveTo(frame.left, at);
    pen.lineTo(frame.right, at);
    pen.stroke();
    pen.fillText(shown(value), frame.left - 6 * ratio, at + 4 * ratio);
  }
  pen.fillText(`step ${last}`, frame.right, frame.bottom + 15 * ratio);
  pen.textAlign = "left";
  pen.fillText("0", frame.left, frame.bottom + 15 * ratio);
}

/** Powers of 10, and in a small range twice and five times as much. */
function ticks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const times of high / low > 300 ? [1] : [1, 2, 5]) found.push(times * 10 ** power);
  }
  return found.filter((v) => v >= low && v <= high);
}

function line(pen, values, x, y, style, thickness, dashes = []) {
  pen.beginPath();
  let drawing = false;
  values.forEach((v, i) => {
    if (!Number.isFinite(v)) { drawing = false; return; }
    pen[drawing ? "lineTo" : "moveTo"](x(i), y(v));
    drawing = true;
  });
  pen.setLineDash(dashes);
  pen.strokeStyle = style;
  pen.lineWidth = thickness;
  pen.stroke();
  pen.setLineDash([]);
}
