import { same } from "./network.mjs";
import { nodeName, shown } from "./sample_walk.mjs";

const HEIGHT = 420, RADIUS = 17, MARGIN = 28 + RADIUS;
const FEW_EDGES = 12;

/** The network as a graph: an edge is as wide as its weight, its core as its gradient, a node has its activation. */
export class Diagram {
  /** `choose` is told which node or edge was picked: {layer, unit}, or {map, from, to}. */
  constructor(svg, choose) {
    Object.assign(this, { svg, choose });
    svg.addEventListener("keydown", (event) => this.#key(event));
  }

  build(net) {
    this.net = net;
    this.width = Math.max(340, Math.min(this.svg.clientWidth || 560, 640)); // so that its text is as large as others
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.places = new Map(net.layers.flatMap((layer, l) => layer.map((node, i) => [key(node), [
      MARGIN + (l * (this.width - 2 * MARGIN)) / (net.layers.length - 1),
      (HEIGHT * (i + 0.5)) / layer.length,
    ]])));
    const pairs = net.linears.flatMap((map) => map.to.flatMap((to) => map.from.map((from) => ({ map, from, to }))));
    this.edges = pairs.map((pair) => this.#edge(pair));
    const carries = net.carries.map(({ from, to }) => element("path", { class: "carry", d: this.#route(from, to) }));
    this.nodes = net.layers.flat().map((node) => this.#node(node));
    this.labelled = this.edges.length <= FEW_EDGES;
    this.svg.replaceChildren(
      ...carries, ...this.edges.map((e) => e.wide), ...this.edges.map((e) => e.core), ...this.edges.map((e) => e.touch),
      ...(this.labelled ? this.edges.map((e) => e.label) : []), ...this.nodes.map((n) => n.group),
    );
    this.nodes[0].group.setAttribute("tabindex", "0");
  }

  /** Shows the numbers of now; `walked` is one sample, see `walk`, and `selected` what is picked. */
  draw(training, walked, selected, step) {
    this.selected = selected;
    const { state } = training.model, { data } = training;
    const places = this.edges.map(({ from, to, map }) => map.weight(to, from));
    const slopes = places.map(([array, at]) => state[`gradients_${array}`][at]);
    const largest = Math.max(...slopes.map(Math.abs), 1e-12);
    this.edges.forEach((edge, i) => {
      const [array, at] = places[i];
      const weight = state[array][at], slope = slopes[i];
      const chosen = isOf(selected, edge);
      const strong = chosen || same(step?.node, edge.to);
      set(edge.wide, "class", `edge ${weight < 0 ? "negative" : "positive"}${strong ? " strong" : ""}`);
      set(edge.wide, "stroke-width", Math.min(11, 1 + 4 * Math.abs(weight)).toFixed(1));
      set(edge.core, "stroke-width", (Math.abs(slope) < 1e-7 ? 0 : (1.6 * Math.abs(slope)) / largest).toFixed(1));
      if (this.labelled) edge.label.textContent = `${shown(weight)} · ∂ ${shown(slope)}`;
    });
    for (const { node, group, value, under } of this.nodes) {
      const activation = walked.value(node), slope = node.layer >= 0 ? walked.slope(node) : null;
      const marks = `${same(selected, node) ? " chosen" : ""}${same(step?.node, node) ? " walking" : ""}`;
      set(group, "class", `node ${activation < 0 ? "negative" : "positive"}${marks}`);
      group.style.setProperty("--filled", Math.min(1, Math.abs(activation)).toFixed(2));
      value.textContent = shown(Math.abs(activation) < 100 ? Number(activation.toFixed(2)) : activation);
      if (under) under.textContent = slope === null ? "" : `∂ ${shown(Number(slope.toFixed(3)))}`;
    }
    const widths = this.net.layers.map((l) => l.length).join("-"), count = data.points.length;
    this.svg.setAttribute("aria-label", `The network, ${widths}, with the numbers of one of ${count} points`);
  }

  #edge({ map, from, to }) {
    const d = this.#route(from, to), [x1, y1] = this.places.get(key(from)), [x2, y2] = this.places.get(key(to));
    const [wide, core, touch] = ["edge", "core", "touch"].map((kind) => element("path", { d, class: kind }));
    const label = element("text", { x: x1 + 0.3 * (x2 - x1), y: y1 + 0.3 * (y2 - y1) - 6, class: "label" });
    touch.addEventListener("click", () => this.choose({ map, from, to }));
    touch.append(element("title", {}, `${nodeName(from, this.net)} → ${nodeName(to, this.net)}`));
    return { map, from, to, wide, core, touch, label };
  }

  #node(node) {
    const [x, y] = this.places.get(key(node));
    const transform = `translate(${x.toFixed(1)} ${y.toFixed(1)})`;
    const group = element("g", { role: "button", tabindex: "-1", transform });
    const value = element("text", { y: 4 });
    const many = this.net.layers[node.layer + 1].length > 6;
    const under = node.layer < 0 || many ? null : element("text", { y: RADIUS + 14, class: "under" });
    const name = element("text", { y: many ? 4 : -RADIUS - 5, x: many ? -RADIUS - 13 : 0, class: "name" });
    name.textContent = nodeName(node, this.net);
    const discs = ["paper", "disc"].map((kind) => element("circle", { r: RADIUS, class: kind }));
    group.append(...discs, name, value, ...(under ? [under] : []));
    group.addEventListener("click", () => { group.focus(); this.choose(node); });
    group.addEventListener("focus", () => this.choose(node));
    return { node, group, value, under };
  }

  /** One edge into a node after the other, for those who have no pointer to hit a line with. */
  #chooseEdge(node) {
    const into = this.edges.filter(({ to }) => same(to, node));
    if (!into.length) return;
    const { map, from, to } = into[(into.findIndex((edge) => isOf(this.selected, edge)) + 1) % into.length];
    this.choose({ map, from, to });
  }

  /** A straight line, or a bow around the layers between. */
  #route(from, to) {
    const [x1, y1] = this.places.get(key(from)), [x2, y2] = this.places.get(key(to));
    const point = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    if (to.layer - from.layer === 1) return `M${point(x1, y1)}L${point(x2, y2)}`;
    const bow = y1 < HEIGHT / 2 ? 4 : HEIGHT - 4;
    return `M${point(x1, y1)}C${point(x1 + 60, bow)} ${point(x2 - 60, bow)} ${point(x2, y2)}`;
  }

  #key(event) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const at = this.nodes.find(({ group }) => group === event.target);
    if (at && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#chooseEdge(at.node);
    }
    if (!move || !at) return;
    event.preventDefault();
    const { layers } = this.net, column = at.node.layer + 1, row = layers[column].indexOf(at.node);
    const next = layers[Math.max(0, Math.min(layers.length - 1, column + move[0]))];
    const to = move[0] ? Math.min(row, next.length - 1) : Math.max(0, Math.min(next.length - 1, row + move[1]));
    const { group } = this.nodes.find(({ node }) => node === next[to]);
    at.group.setAttribute("tabindex", "-1");
    group.setAttribute("tabindex", "0");
    group.focus();
  }
}

const isOf = (picked, { map, from, to }) => picked?.map === map && same(picked.from, from) && same(picked.to, to);
const key = ({ layer, unit }) => `${layer}:${unit}`;

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) made.setAttribute(k, v);
  if (text) made.textContent = text;
  return made;
}

function set(node, attribute, value) {
  if (node.getAttribute(attribute) !== value) node.setAttribute(attribute, value);
}
