import { $, node, replace, tell } from "./elements.mjs";
import { nodeName, shown, targetName } from "./sample_walk.mjs";

/** The line of numbers beside the buttons. */
export function showFacts(training, rate) {
  const { loss, norm, size } = training.last, quality = training.quality();
  const found = {
    step: training.step,
    loss: shown(loss),
    "held out": Number.isNaN(training.held) ? "–" : shown(training.held),
    "|gradient|": shown(norm < 1e-7 ? 0 : norm),
    "step size": training.step ? shown(size) : "–",
    ...(quality.of ? { right: `${quality.right} of ${quality.of}` } : { error: shown(quality.error) }),
    "frames/s": rate ? Math.round(rate) : "–",
  };
  const list = $("facts");
  if (!list.children.length) {
    list.append(...Object.keys(found).map(() => node("div", {}, [node("dt"), node("dd")])));
  }
  Object.entries(found).forEach(([name, value], i) => {
    const [term, description] = list.children[i].children;
    tell(term, name);
    tell(description, value);
  });
}

/** One point: what it is, or a step of the walk through the network. */
export function showWalk(data, sample, walked, at) {
  const step = walked.step(at - 1);
  $("sample").max = data.points.length;
  if (document.activeElement !== $("sample")) $("sample").value = sample + 1;
  tell($("walk-place"), step ? `${at} of ${walked.length}, ${step.direction}` : `${walked.length} steps`);
  if (!step) {
    const place = data.points[sample].map(shown).join(", "), y = targetName(data, data.targets[sample]);
    const about = `Point ${sample + 1}: (${place}), y = ${y}, loss ${shown(walked.loss)}.`;
    replace($("walk"), [node("p", { textContent: `${about} Next goes through the network, node by node.` })]);
    return;
  }
  const lines = step.lines.map((line) => node("p", { textContent: line }));
  const picture = step.kink ? [kinkPicture(step.kink)] : step.box ? [boxPicture(step.box)] : [];
  replace($("walk"), [node("h3", { textContent: step.title }), ...lines, ...picture]);
}

/** An interval of slopes on a line of numbers, with the chosen one. */
function kinkPicture({ of, interval: [low, high], chosen }) {
  const from = Math.min(low, 0) - 0.5, to = Math.max(high, 0) + 0.5;
  const at = (v) => `${(100 * (v - from)) / (to - from)}%`;
  const bar = node("span", { className: "interval" }), dot = node("span", { className: "dot" });
  Object.assign(bar.style, { left: at(low), right: `calc(100% - ${at(high)})` });
  dot.style.left = at(chosen);
  const range = `[${shown(low)}, ${shown(high)}]`;
  const text = `A kink: every slope of ${of} in ${range} is right. The one of least norm is taken, ${shown(chosen)}.`;
  return node("figure", { className: "kink" }, [
    node("div", { className: "line" }, [bar, dot]), node("figcaption", { textContent: text }),
  ]);
}

/** Two intervals of slopes as a box in the plane, with the point that is taken and lines through 0. */
function boxPicture({ sides, taken }) {
  const reach = 1.3 * Math.max(...sides.flat().map(Math.abs), 1e-9);
  const at = (v) => (50 * v) / reach + 50;
  const [[left, right], [low, high]] = sides;
  const area = node("span", { className: "area" }), dot = node("span", { className: "dot" });
  Object.assign(area.style, {
    left: `${at(left)}%`, width: `${at(right) - at(left)}%`, bottom: `${at(low)}%`, height: `${at(high) - at(low)}%`,
  });
  Object.assign(dot.style, { left: `${at(taken[0])}%`, top: `calc(${100 - at(taken[1])}% - .45rem)` });
  return node("figure", { className: "kink" }, [node("div", { className: "plane" }, [area, dot])]);
}

/** The numbers of the node or edge that is picked; `weight` of an edge can be set. */
export function showPicked(training, walked, { map, from, to, layer, unit }) {
  const { net, settings } = training, edge = map && net.linears.includes(map);
  $("picked").hidden = !edge && layer === undefined;
  $("weight").hidden = $("weight").labels[0].hidden = !edge;
  if (edge) {
    const { state } = training.model, [array, at] = map.weight(to, from);
    const weight = state[array][at], slope = state[`gradients_${array}`][at], { penalty, rate } = settings;
    const range = `[${shown(slope - rate)}, ${shown(slope + rate)}]`;
    const kink = penalty === "l1" && weight === 0 ? `, at the kink of λ|w|: any in ${range}` : "";
    tell($("picked-text"), `${nodeName(from, net)} → ${nodeName(to, net)}: gradient ${shown(slope)}${kink}`);
    if (document.activeElement !== $("weight")) $("weight").value = Number(weight.toPrecision(6));
  } else if (layer !== undefined) {
    const here = { layer, unit }, name = nodeName(here, net);
    const before = layer >= 0 && layer < net.depth ? `, before its activation ${shown(walked.before(here))}` : "";
    const slope = layer >= 0 ? `, ∂ℓ/∂${name} = ${shown(walked.slope(here))}` : "";
    tell($("picked-text"), `${name} = ${shown(walked.value(here))}${before}${slope}`);
  }
}

/** The table of all weights and gradients. */
export function showNumbers(training) {
  const { net } = training, { state } = training.model;
  const places = net.linears.flatMap(({ from, to, weight, bias }) => to.flatMap((o) => [
    ...from.map((i) => [`${nodeName(i, net)} → ${nodeName(o, net)}`, weight(o, i)]),
    [`bias of ${nodeName(o, net)}`, bias(o)],
  ]));
  const cell = (value) => node("td", { textContent: shown(value) });
  const rows = places.map(([name, [array, at]]) => node("tr", {}, [
    node("th", { textContent: name, scope: "row" }), cell(state[array][at]), cell(state[`gradients_${array}`][at]),
  ]));
  const heads = ["edge", "weight", "gradient"].map((textContent) => node("th", { textContent, scope: "col" }));
  $("numbers").querySelector("table").replaceChildren(node("tr", {}, heads), ...rows);
}
