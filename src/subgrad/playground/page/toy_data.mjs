import { normal, stream } from "./random_numbers.mjs";

/**
 * Points to learn from. `points` are pairs of numbers, `targets` the signs -1 and +1, classes 0, 1, ... or numbers, as
 * `kind` says. All numbers have three decimals, so that a program can print them whole.
 */
export function toyData(settings) {
  const uniform = stream(settings.seed);
  const made = MAKERS[settings.data](settings, uniform);
  const shift = () => 0.35 * settings.noise * normal(uniform);
  const scattered = made.rows.map(([x, y, t]) => [x + shift(), y + shift(), made.kind === "numbers" ? t + shift() : t]);
  return data(scattered, made.kind, made.classes);
}

/** The same from rows (x, y, target). */
export function data(rows, kind, classes) {
  const rounded = (v) => Math.round(v * 1000) / 1000;
  return {
    points: rows.map(([x, y]) => [rounded(x), rounded(y)]),
    targets: rows.map(([, , t]) => (kind === "numbers" ? rounded(t) : t)),
    kind,
    classes: { signs: 2, numbers: 0 }[kind] ?? classes,
  };
}

/** The data without a share of their points, in percent, drawn by a seed: these are in `held`. Of a handful none goes. */
export function heldOut(whole, share, seed) {
  const n = whole.points.length, uniform = stream(seed);
  if (n < 10 || !Number(share)) return whole;
  const drawn = Array.from({ length: n }, (_, i) => [uniform(), i]).sort(([a], [b]) => a - b).map(([, i]) => i);
  const gone = new Set(drawn.slice(0, Math.round((n * share) / 100)));
  const part = (is) => ({
    points: whole.points.filter((_, i) => gone.has(i) === is), targets: whole.targets.filter((_, i) => gone.has(i) === is),
  });
  return { ...whole, ...part(false), held: part(true) };
}

const MAKERS = {
  xor({ noise, samples }) {
    const count = noise === 0 ? 4 : samples;
    const corners = [[-1, -1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]];
    return { kind: "signs", rows: Array.from({ length: count }, (_, i) => corners[i % 4]) };
  },
  circles({ samples }, uniform) {
    const rows = each(samples, (i) => {
      const inner = i % 2 === 0;
      const r = inner ? 0.5 * Math.sqrt(uniform()) : 0.8 + 0.3 * uniform();
      const angle = 2 * Math.PI * uniform();
      return [r * Math.cos(angle), r * Math.sin(angle), inner ? 1 : -1];
    });
    return { kind: "signs", rows };
  },
  spirals({ samples, classes }, uniform) {
    const rows = each(samples, (i) => {
      const t = Math.sqrt(uniform());
      const angle = 3.2 * t + (2 * Math.PI * (i % classes)) / classes;
      return [1.2 * t * Math.cos(angle), 1.2 * t * Math.sin(angle), label(i % classes, classes)];
    });
    return { kind: kindOf(classes), classes, rows };
  },
  moons({ samples }, uniform) {
    const rows = each(samples, (i) => {
      const angle = Math.PI * uniform();
      const [x, y] = [Math.cos(angle), Math.sin(angle)];
      return i % 2 ? [0.75 * (x - 0.5), 0.75 * (y - 0.25), 1] : [0.75 * (0.5 - x), 0.75 * (0.25 - y), -1];
    });
    return { kind: "signs", rows };
  },
  blobs({ samples, classes }, uniform) {
    const rows = each(samples, (i) => {
      const angle = (2 * Math.PI * (i % classes)) / classes + 0.4;
      const [x, y] = [0.8 * Math.cos(angle), 0.8 * Math.sin(angle)];
      return [x + 0.15 * normal(uniform), y + 0.15 * normal(uniform), label(i % classes, classes)];
    });
    return { kind: kindOf(classes), classes, rows };
  },
  waves({ samples }, uniform) {
    const rows = each(samples, () => {
      const [x, y] = [2.4 * uniform() - 1.2, 2.4 * uniform() - 1.2];
      return [x, y, Math.sin(2.5 * x) * Math.cos(1.5 * y)];
    });
    return { kind: "numbers", rows };
  },
};

const each = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const kindOf = (classes) => (classes === 2 ? "signs" : "classes");
const label = (i, classes) => (classes === 2 ? 2 * i - 1 : i);
