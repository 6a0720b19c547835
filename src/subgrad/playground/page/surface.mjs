import { same } from "./network.mjs";

const KINKED = ["relu", "leaky_relu", "abs"];

/** Half of the window's side: it shows the inputs from -REACH to REACH. */
export const REACH = 1.6;

/** The decision surface with the lines of kinks and the points, on a canvas. */
export class Surface {
  constructor(canvas, sizes) {
    this.canvas = canvas;
    this.row = sizes.row;
    this.sizes = sizes;
    this.image = new OffscreenCanvas(sizes.row, sizes.row);
    const n = sizes.row, at = (i) => -REACH + (2 * REACH * i) / (n - 1);
    const places = Array.from({ length: n * n }, (_, k) => [at(k % n), at(Math.floor(k / n))]);
    this.grid = Float32Array.from(places.flat());
  }

  /** The place in the window of an event of a pointer. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const to = (v) => REACH * (2 * v - 1);
    return [to((event.clientX - box.left) / box.width), -to((event.clientY - box.top) / box.height)];
  }

  draw(training, { palette, selected, cursor, kinks }) {
    const { canvas, row } = this, { net, settings, data } = training;
    const side = Math.round(canvas.clientWidth * (globalThis.devicePixelRatio || 1));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const pen = canvas.getContext("2d");
    const { units, scores } = training.model.surface(this.grid, row);
    this.#paint(pen, scores, data, net, palette);
    const scale = side / 400;
    if (kinks && KINKED.includes(settings.activation)) {
      net.units.forEach((each, layer) => each.forEach((unit) => {
        const values = { all: units, stride: this.sizes.depth * this.sizes.width, at: layer * this.sizes.width + unit };
        const chosen = same(selected, { layer, unit });
        this.#contour(pen, values, 0, palette.layers[layer], (chosen ? 3 : 1.2) * scale);
      }));
    }
    if (net.outputs === 1) {
      const f = { all: scores, stride: this.sizes.outputs, at: 0 };
      if (data.kind === "signs") this.#contour(pen, f, 0, palette.ink, 2.4 * scale);
      const margins = kinks && settings.loss === "hinge" ? [-1, 1] : [];
      for (const m of margins) this.#contour(pen, f, m, palette.ink, 1.2 * scale, [5 * scale, 4 * scale]);
    }
    this.#points(pen, data, palette, scale, selected);
    if (cursor) this.#cross(pen, cursor, palette, scale);
  }

  #paint(pen, scores, data, net, palette) {
    const { row, image } = this, stride = this.sizes.outputs;
    const pixels = new ImageData(row, row), words = new Uint32Array(pixels.data.buffer);
    const colour = net.outputs > 1 ? ofClasses(data, net, palette) : ofScore(palette);
    for (let i = 0; i < row * row; i++) {
      const y = row - 1 - Math.floor(i / row);
      words[y * row + (i % row)] = colour(scores, i * stride);
    }
    image.getContext("2d").putImageData(pixels, 0, 0);
    pen.imageSmoothingEnabled = true;
    const { width } = pen.canvas, half = 0.5;
    pen.drawImage(image, half, half, row - 1, row - 1, 0, 0, width, width);
  }

  /** The line at which a function has a level, straight within each cell. Its values lie `stride` apart from `at` on. */
  #contour(pen, { all, stride, at }, level, style, thickness, dashes = []) {
    const n = this.row, { width } = pen.canvas, cell = width / (n - 1);
    pen.beginPath();
    for (let i = 0; i < n - 1; i++) {
      for (let j = 0; j < n - 1; j++) {
        const k = (i * n + j) * stride + at, above = k + n * stride;
        const a = all[k] - level, b = all[k + stride] - level, c = all[above] - level, d = all[above + stride] - level;
        if (a > 0 === b > 0 && a > 0 === c > 0 && a > 0 === d > 0) continue;
        const ends = [];
        if (a > 0 !== b > 0) ends.push([j + a / (a - b), i]);
        if (b > 0 !== d > 0) ends.push([j + 1, i + b / (b - d)]);
        if (c > 0 !== d > 0) ends.push([j + c / (c - d), i + 1]);
        if (a > 0 !== c > 0) ends.push([j, i + a / (a - c)]);
        for (let e = 0; e + 1 < ends.length; e += 2) {
          pen.moveTo(ends[e][0] * cell, width - ends[e][1] * cell);
          pen.lineTo(ends[e + 1][0] * cell, width - ends[e + 1][1] * cell);
        }
      }
    }
    pen.setLineDash(dashes);
    pen.strokeStyle = style;
    pen.lineWidth = thickness;
    pen.stroke();
    pen.setLineDash([]);
  }

  #points(pen, data, palette, scale, selected) {
    const radius = (data.points.length > 20 ? 3.2 : 6) * scale;
    const disc = (i, r) => {
      const [x, y] = this.#pixel(data.points[i]);
      pen.beginPath();
      pen.arc(x, y, r, 0, 2 * Math.PI);
    };
    pen.lineWidth = 1.2 * scale;
    data.points.forEach((_, i) => {
      disc(i, radius);
      pen.fillStyle = `rgb(${pointColour(data, i, palette).join(" ")})`;
      pen.fill();
      pen.strokeStyle = palette.paper;
      pen.stroke();
    });
    if (selected?.sample === undefined || !data.points[selected.sample]) return;
    disc(selected.sample, radius + 4 * scale);
    pen.strokeStyle = palette.ink;
    pen.lineWidth = 2 * scale;
    pen.stroke();
  }

  #cross(pen, place, palette, scale) {
    const [x, y] = this.#pixel(place), arm = 9 * scale;
    pen.beginPath();
    for (const [dx, dy] of [[arm, 0], [0, arm]]) {
      pen.moveTo(x - dx, y - dy);
      pen.lineTo(x + dx, y + dy);
    }
    pen.strokeStyle = palette.ink;
    pen.lineWidth = 2 * scale;
    pen.stroke();
  }

  #pixel([x, y]) {
    const { width } = this.canvas;
    return [((x + REACH) / (2 * REACH)) * width, ((REACH - y) / (2 * REACH)) * width];
  }
}

const mixed = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);

/** Red, green and blue as a word of a picture's pixels. */
const pixel = ([r, g, b]) => 0xff000000 | (b << 16) | (g << 8) | r;

/** From scores, and where one is, to its colour: paler near 0. */
function ofScore({ neutral, low, high }) {
  const shade = (t) => pixel(mixed(neutral, t > 0 ? high : low, 0.72 * Math.abs(t)));
  const shades = Array.from({ length: 257 }, (_, i) => shade(i / 128 - 1));
  return (scores, at) => shades[Math.round(128 * (Math.tanh(scores[at]) + 1))];
}

/** From scores, and where those of a place begin, to the mixture of the colours of the classes. */
function ofClasses(data, net, { neutral, low, high, classes }) {
  const hues = data.kind === "signs" ? [low, high] : classes;
  return (scores, at) => {
    const f = scores.subarray(at, at + net.outputs), top = Math.max(...f);
    const mix = [0, 0, 0];
    let sum = 0;
    f.forEach((v, c) => {
      const share = Math.exp(v - top);
      sum += share;
      mix.forEach((_, i) => { mix[i] += share * hues[c][i]; });
    });
    return pixel(mixed(neutral, mix.map((v) => v / sum), 0.62));
  };
}

function pointColour(data, i, palette) {
  const t = data.targets[i];
  if (data.kind === "classes") return palette.classes[t];
  const end = t > 0 ? palette.high : palette.low;
  return data.kind === "signs" ? end : mixed(palette.neutral, end, 0.25 + 0.75 * Math.min(1, Math.abs(t)));
}
