/**
 * Which numbers of the compiled network are the network of the settings. A node is {layer, unit}: layer -1 has the
 * inputs, `depth` the scores. A linear map knows its nodes, and where its numbers lie: [name of an array, place].
 */
export function network(settings, outputs, sizes) {
  const depth = settings.net === "linear" ? 0 : settings.depth;
  const units = Array.from({ length: depth }, (_, layer) => unitsOf(settings, layer, sizes));
  const inputs = nodes(-1, [0, 1]), scores = nodes(depth, range(outputs));
  const hidden = units.map((each, layer) => nodes(layer, each));
  return {
    depth, outputs, units, inputs, hidden, scores,
    layers: [inputs, ...hidden, scores],
    linears: (MAPS[settings.net] ?? MAPS.plain)({ inputs, hidden, scores, settings, sizes }),
    carries: settings.net === "residual" ? carried(hidden) : [],
    switches: switches(settings, units, outputs, sizes),
  };
}

const range = (n) => Array.from({ length: n }, (_, i) => i);
const nodes = (layer, units) => units.map((unit) => ({ layer, unit }));
export const same = (a, b) => a?.layer === b?.layer && a?.unit === b?.unit;

function unitsOf({ net, width, widths }, layer, sizes) {
  if (net !== "branches") return range(widths?.[layer] ?? width);
  const half = sizes.width / 2;
  return [...range(Math.ceil(width / 2)), ...range(Math.floor(width / 2)).map((j) => half + j)];
}

const carried = (hidden) => hidden.slice(1).flatMap((layer, i) => layer.map((to, j) => ({ from: hidden[i][j], to })));

function linear(name, from, to, sizes, depth) {
  const { width } = sizes;
  const layer = to[0].layer;
  const weight = (o, i) => {
    if (layer === depth && i.layer === -1) return ["skip_weight", o.unit * 2 + i.unit];
    if (layer === depth) return ["out_weight", o.unit * width + i.unit];
    if (layer === 0) return ["first_weight", o.unit * 2 + i.unit];
    return ["inner_weight", ((layer - 1) * width + o.unit) * width + i.unit];
  };
  const bias = (o) => {
    if (layer === depth) return ["out_bias", o.unit];
    return layer === 0 ? ["first_bias", o.unit] : ["inner_bias", (layer - 1) * width + o.unit];
  };
  return { name, from, to, weight, bias };
}

/** The linear maps of each architecture, under the names that the Python program gives them and in its order. */
const MAPS = {
  linear: ({ inputs, scores, sizes }) => [linear("", inputs, scores, sizes, 0)],
  plain: ({ inputs, hidden, scores, sizes }) => [
    ...hidden.map((to, l) => linear(`hidden${l + 1}`, hidden[l - 1] ?? inputs, to, sizes, hidden.length)),
    linear("out", hidden.at(-1), scores, sizes, hidden.length),
  ],
  residual: ({ inputs, hidden, scores, sizes }) => [
    ...hidden.map((to, l) => {
      const name = l ? `hidden${l + 1}.body.0` : "hidden1";
      return linear(name, hidden[l - 1] ?? inputs, to, sizes, hidden.length);
    }),
    linear("out", hidden.at(-1), scores, sizes, hidden.length),
  ],
  branches({ inputs, hidden, scores, sizes }) {
    const half = sizes.width / 2;
    const paths = [(n) => n.unit < half, (n) => n.unit >= half].filter((path) => hidden[0].some(path));
    const maps = paths.flatMap((path, p) => hidden.map((to, l) => {
      const from = l ? hidden[l - 1].filter(path) : inputs;
      return linear(`paths.paths.${p}.${2 * l}`, from, to.filter(path), sizes, hidden.length);
    }));
    return [...maps, linear("out", [...hidden.at(-1), ...inputs], scores, sizes, hidden.length)];
  },
};

/** The settings of the compiled network, by the names of its arrays. */
function switches(settings, units, outputs, { width, depth, outputs: most }) {
  const there = new Float32Array(depth * width), passed = new Float32Array(depth).fill(1);
  units.forEach((each, layer) => each.forEach((unit) => { there[layer * width + unit] = 1; }));
  if (settings.net !== "residual") passed.fill(0, 0, units.length);
  const joined = Float32Array.from({ length: width * width }, (_, i) => {
    const apart = Math.floor(i / width) < width / 2 !== i % width < width / 2;
    return settings.net === "branches" && apart ? 0 : 1;
  });
  return {
    units: there, passed, joined,
    classes: Float32Array.from({ length: most }, (_, i) => (i < outputs ? 1 : 0)),
    skip: [settings.net === "linear" || settings.net === "branches" ? 1 : 0],
  };
}

/** What a parameter holds, by the name it has in Python. */
export function parameters(net, state) {
  const value = ([array, at]) => state[array][at];
  return Object.fromEntries(net.linears.flatMap(({ name, from, to, weight, bias }) => {
    const dot = name && `${name}.`;
    return [
      [`${dot}weight`, to.map((o) => from.map((i) => value(weight(o, i))))],
      [`${dot}bias`, to.map((o) => value(bias(o)))],
    ];
  }));
}

/** Gives parameters, by the names they have in Python, to the compiled network. */
export function assign(net, state, values) {
  for (const { name, from, to, weight, bias } of net.linears) {
    const dot = name && `${name}.`;
    to.forEach((o, r) => {
      from.forEach((i, c) => { put(state, weight(o, i), values[`${dot}weight`][r][c]); });
      put(state, bias(o), values[`${dot}bias`][r]);
    });
  }
}

function put(state, [array, at], value) {
  state[array][at] = value;
}

/** Two units of relu that solve XOR with margin 1 at all points, two of which lie on both kinks. */
export function byHand(net) {
  const [hidden, out] = net.linears;
  const signs = [[1, -1], [-1, 1]];
  const last = net.outputs - 1;
  return {
    "hidden1.weight": hidden.to.map((_, o) => signs[o] ?? [0, 0]), "hidden1.bias": hidden.to.map(() => 0),
    "out.weight": out.to.map((_, o) => out.from.map((_, i) => (o === last && i < 2 ? 1 : 0))),
    "out.bias": out.to.map((_, o) => (o === last ? -1 : 0)),
  };
}
