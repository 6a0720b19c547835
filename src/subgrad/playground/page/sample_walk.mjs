import { activation, lossKink } from "./kinks.mjs";
import { same } from "./network.mjs";

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const lowered = (n) => String(n).replace(/\d/g, (d) => SUBSCRIPTS[d]);

/** The name of a node: x₁, h₂₃ (the third unit of the second layer), f. */
export function nodeName({ layer, unit }, net) {
  if (layer === -1) return `x${lowered(unit + 1)}`;
  if (layer === net.depth) return net.outputs === 1 ? "f" : `f${lowered(unit + 1)}`;
  const comma = net.units[layer].length > 9 ? "," : "";
  return `h${lowered(layer + 1)}${comma}${lowered(net.units[layer].indexOf(unit) + 1)}`;
}

/** A number in three digits. */
export function shown(v) {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "no number" : v > 0 ? "∞" : "−∞";
  const size = Math.abs(v), short = Number(v.toPrecision(3));
  const text = size >= 10000 || (size && size < 0.0001) ? short.toExponential() : String(short);
  return text.replaceAll("-", "−").replace("+", "");
}

/** A target as its reader knows it: the label of a class in a table, else the number. */
export function targetName({ kind, labels }, target) {
  return labels?.[kind === "signs" ? (target + 1) / 2 : target] ?? shown(target);
}

const factor = (v) => (v < 0 ? `(${shown(v)})` : shown(v));

/**
 * One sample, forward and backward, node by node: `step(i)` is one of `length` steps. A step has its node, the
 * direction, a title, lines of numbers, and what is at a kink: the interval of slopes and the chosen one.
 */
export function walk(training, row) {
  const { net, sizes } = training, found = training.look(row);
  const place = ({ layer, unit }) => layer * sizes.width + unit;
  const last = (n) => n.layer === net.depth, point = training.data.points[row];
  const value = (n) => (n.layer === -1 ? point[n.unit] : last(n) ? found.scores[n.unit] : found.after[place(n)]);
  const slope = (n) => (last(n) ? found.by_scores[n.unit] : found.by_after[place(n)]);
  const inner = (n) => (last(n) ? found.by_scores[n.unit] : found.by_before[place(n)]);
  const { state } = training.model, number = ([array, at]) => state[array][at];
  const reader = { training, net, row, found, value, slope, inner, number, place, name: (n) => nodeName(n, net) };
  const nodes = net.layers.slice(1).flat(), joint = together(reader);
  const makers = [
    ...nodes.map((n) => () => forwardStep(reader, n)), () => lossStep(reader),
    ...[...nodes].reverse().map((n) => () => backwardStep(reader, n)), () => savings(reader),
    ...(joint ? [() => joint] : []),
  ];
  const before = (n) => found.before[place(n)];
  return { length: makers.length, step: (i) => makers[i]?.(), value, slope, before, loss: found.loss[0] };
}

const mapInto = (net, node) => net.linears.find(({ to }) => to.some((n) => same(n, node)));
const mapsFrom = (net, node) => net.linears.filter(({ from }) => from.some((n) => same(n, node)));

function forwardStep({ training, net, found, value, number, place, name }, node) {
  const map = mapInto(net, node), read = map.from;
  const products = read.map((i) => `${factor(number(map.weight(node, i)))}·${factor(value(i))}`);
  const sum = `${products.join(" + ")} + ${factor(number(map.bias(node)))}`;
  const saved = `Saved for the way back: ${read.map(name).join(", ")}`;
  if (node.layer === net.depth) {
    const lines = [`${name(node)} = ${sum} = ${shown(value(node))}`, saved];
    return { node, direction: "forward", title: `Score ${name(node)}`, lines };
  }
  const z = found.before[place(node)];
  const { formula, slope: local, interval } = activation(training.settings.activation, z);
  const carried = net.carries.find(({ to }) => same(to, node));
  const plus = carried ? ` + ${name(carried.from)}` : "";
  return {
    node, direction: "forward", title: `Unit ${name(node)}`,
    lines: [`z = ${sum} = ${shown(z)}`, `${name(node)} = ${formula}${plus} = ${shown(value(node))}`, `${saved}, z`],
    kink: interval && { of: `${formula} at z = 0`, interval, chosen: local },
  };
}

function lossStep({ training, net, row, found, value, name }) {
  const { settings, data } = training, y = data.targets[row], f = value(net.scores[0]);
  const { formula, interval } = lossKink(settings.loss, f, y);
  const label = settings.loss === "cross_entropy" && data.kind === "signs" ? (y + 1) / 2 : y;
  return {
    node: null, direction: "forward", title: "Loss of this point",
    lines: [
      `ℓ = ${formula} = ${shown(found.loss[0])}   (y = ${shown(label)})`,
      ...net.scores.map((n) => `∂ℓ/∂${name(n)} = ${shown(found.by_scores[n.unit])}`),
    ],
    kink: interval && { of: `the loss by ${name(net.scores[0])}`, interval, chosen: found.by_scores[0] },
  };
}

function backwardStep({ training, net, found, value, slope, inner, number, place, name }, node) {
  const map = mapInto(net, node), delta = inner(node), passed = map.from.filter((i) => i.layer >= 0).length;
  const lines = [];
  let kink;
  if (node.layer < net.depth) {
    const term = (o, weight) => `${factor(inner(o))}·${factor(number(weight(o, node)))}`;
    const terms = mapsFrom(net, node).flatMap(({ to, weight }) => to.map((o) => term(o, weight)));
    const plus = net.carries.filter(({ from }) => same(from, node)).map(({ to }) => factor(slope(to)));
    lines.push(`∂ℓ/∂${name(node)} = ${[...terms, ...plus].join(" + ")} = ${shown(slope(node))}`);
    const z = found.before[place(node)], { slope: local, interval } = activation(training.settings.activation, z);
    lines.push(`δ = ∂ℓ/∂z = ${factor(slope(node))}·${factor(local)} = ${shown(delta)}`);
    if (interval) {
      const ends = interval.map((s) => s * slope(node)).sort((a, b) => a - b);
      kink = { of: `ℓ by z of ${name(node)}, given the slopes behind it,`, interval: ends, chosen: delta };
    }
  } else {
    lines.push(`δ = ∂ℓ/∂${name(node)} = ${shown(delta)}`);
  }
  const products = map.from.map((i) => `∂ℓ/∂w(${name(i)}) = δ·${factor(value(i))} = ${shown(delta * value(i))}`);
  lines.push(...products, `∂ℓ/∂b = δ`, `δ is computed once and used ${map.from.length + 1 + passed} times.`);
  return { node, direction: "backward", title: `Back through ${name(node)}`, lines, kink };
}

/**
 * Several units at their kinks: the whole subdifferential of the loss by their z. It is a box if all of them are in one
 * layer and what is behind them has no kink here, since near the point the loss is then a sum of functions of one z each.
 */
function together({ training, net, row, found, value, slope, inner, place, name }) {
  const { settings, data } = training;
  const on = net.hidden.flat().map((n) => ({ n, ...activation(settings.activation, found.before[place(n)]) }))
    .filter(({ interval }) => interval);
  if (on.length < 2) return null;
  const loss = lossKink(settings.loss, value(net.scores[0]), data.targets[row]).interval;
  const names = on.map(({ n }) => name(n)).join(", "), title = `The kinks of ${names} together`;
  if (loss || new Set(on.map(({ n }) => n.layer)).size > 1) {
    const line = "Some of these kinks lie behind others, whose intervals depend on the slope that is taken there: the whole "
      + "subdifferential is no box.";
    return { node: null, direction: "backward", title, lines: [line] };
  }
  const box = on.map(({ n, interval }) => interval.map((s) => s * slope(n)).sort((a, b) => a - b));
  const taken = on.map(({ n }) => inner(n));
  const sides = box.map((side) => `[${side.map(shown).join(", ")}]`).join(" × ");
  return {
    node: null, direction: "backward", title,
    lines: [
      `∂ℓ by z of ${names} = ${sides}: the whole subdifferential, a box, for each unit takes its slope by itself.`,
      `Taken is its point of least norm, (${taken.map(shown).join(", ")}).`,
    ],
    box: box.length === 2 && { sides: box, taken },
  };
}

function savings({ net }) {
  const { products, paths, byPaths } = counted(net);
  return {
    node: null, direction: "backward", title: "What the reuse saves",
    lines: [
      `Backpropagation took ${products} products for all weights: each δ is made once, from those behind it.`,
      `There are ${paths} paths from a weight to the loss. Path by path it would take ${byPaths} products.`,
    ],
  };
}

/** Products of backpropagation, and of the chain rule written out path by path, for the weights and biases. */
export function counted(net) {
  const key = ({ layer, unit }) => `${layer}:${unit}`;
  // of each node, the paths from it to the loss, and the products on all of them together
  const behind = new Map(net.scores.map((n) => [key(n), { paths: 1, length: 0 }]));
  for (const layer of [...net.hidden].reverse()) {
    for (const node of layer) {
      const carries = net.carries.filter(({ from }) => same(from, node));
      const next = [
        ...mapsFrom(net, node).flatMap(({ to }) => to.map((o) => ({ ...behind.get(key(o)), by: 1 }))),
        ...carries.map(({ to }) => ({ ...behind.get(`after ${key(to)}`), by: 0 })),
      ];
      const paths = next.reduce((sum, n) => sum + n.paths, 0);
      const length = next.reduce((sum, n) => sum + n.length + n.by * n.paths, 0);
      behind.set(`after ${key(node)}`, { paths, length });
      behind.set(key(node), { paths, length: length + paths }); // the slope of the activation
    }
  }
  let products = 0, paths = 0, byPaths = 0;
  for (const { from, to } of net.linears) {
    for (const o of to) {
      const { paths: p, length } = behind.get(key(o));
      paths += p * (from.length + 1);
      byPaths += from.length * (length + p) + length;
      products += from.length + from.filter((i) => i.layer >= 0).length + (o.layer < net.depth ? 1 : 0);
    }
  }
  return { products, paths, byPaths };
}
