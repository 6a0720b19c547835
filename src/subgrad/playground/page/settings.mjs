/** All that a reader can choose, in one table: the controls, the address and the checks are made of it. */
export const SETTINGS = {
  data: { label: "Data", group: "Data", of: {
    xor: "XOR", circles: "circles", spirals: "spirals", moons: "moons", blobs: "blobs", waves: "waves (numbers)",
    own: "own points",
  } },
  samples: { label: "Points", group: "Data", from: 4, to: 400, whole: true },
  noise: { label: "Noise", group: "Data", from: 0, to: 1, by: 0.05 },
  classes: { label: "Classes", group: "Data", from: 2, to: 6, whole: true },
  held: { label: "Held out", group: "Data", of: { 0: "none", 20: "20 %", 50: "50 %" } },
  net: { label: "Network", group: "Network", of: {
    linear: "linear", plain: "plain", residual: "residual", branches: "branches",
    given: "from Python",
  } },
  depth: { label: "Hidden layers", group: "Network", from: 1, to: 4, whole: true },
  width: { label: "Units a layer", group: "Network", from: 1, to: 8, whole: true },
  activation: { label: "Activation", group: "Network", of: {
    relu: "relu", leaky_relu: "leaky relu", abs: "absolute value", tanh: "tanh", sigmoid: "sigmoid",
  } },
  start: { label: "First weights", group: "Network", of: {
    random: "random", zeros: "zeros", hand: "by hand", given: "from Python",
  } },
  seed: { label: "Seed", group: "Network", from: 0, to: 9999, whole: true },
  loss: { label: "Loss", group: "Training", of: {
    hinge: "hinge", binomial: "binomial", binary_cross_entropy: "binary cross-entropy", cross_entropy: "cross-entropy",
    squared: "squared", absolute: "absolute", huber: "Huber",
  } },
  rule: { label: "Step rule", group: "Training", of: {
    constant: "constant a", summable: "a / (b + k)", hundred: "100 / (100 + k)", sqrt: "a / √k",
    length: "constant length a", polyak: "Polyak",
  } },
  a: { label: "a", group: "Training", from: 0, to: 1000 },
  b: { label: "b", group: "Training", from: 0, to: 10000 },
  target: { label: "Least loss f*", group: "Training", from: -1000, to: 1000 },
  batch: { label: "Batch", group: "Training", of: {
    all: "all", 1: "1", 2: "2", 4: "4", 8: "8", 16: "16", 32: "32", 64: "64",
  } },
  penalty: { label: "Penalty", group: "Training", of: { none: "none", l1: "λ Σ|w|", l2: "λ Σw²" } },
  rate: { label: "λ", group: "Training", from: 0, to: 100 },
  speed: { label: "Steps a frame", group: "Training", of: { 1: "1", 5: "5", 20: "20", 100: "100" } },
};

/** What the page opens with: XOR, and a linear classifier that is stuck. */
export const OPENING = {
  data: "xor", samples: 200, noise: 0, classes: 2, held: "0", net: "linear", depth: 1, width: 8, activation: "relu",
  start: "zeros", seed: 1, loss: "binomial", rule: "constant", a: 0.2, b: 100, target: 0, batch: "all",
  penalty: "none", rate: 0.01, speed: "5",
};

/** The value that a text stands for; undefined if it stands for none. */
export function parsed(name, text) {
  const { of, from, to, whole } = SETTINGS[name];
  if (of) return Object.hasOwn(of, text) ? String(text) : undefined;
  const number = Number(text);
  if (String(text).trim() === "" || !(number >= from && number <= to)) return undefined;
  return whole ? Math.round(number) : number;
}

/** Settings as an address has them behind its #, without those that the page opens with. */
export function toAddress(settings, opening = OPENING) {
  const found = Object.keys(SETTINGS).filter((name) => settings[name] !== opening[name])
    .map((name) => `${name}=${encodeURIComponent(settings[name])}`);
  return found.join("&");
}

/** The settings of an address; what is unknown or wrong in it is left out. */
export function fromAddress(text, opening = OPENING) {
  const settings = { ...opening };
  for (const [name, value] of new URLSearchParams(text.replace(/^#/, ""))) {
    const read = Object.hasOwn(SETTINGS, name) ? parsed(name, value) : undefined;
    if (read !== undefined) settings[name] = read;
  }
  return settings;
}

const SIGNS = ["binomial", "hinge", "binary_cross_entropy"];
const NUMBERS = ["squared", "absolute", "huber"];

/** The losses for targets that are "signs", "classes" or "numbers"; the first one is the usual one. */
export function lossesFor(kind) {
  if (kind === "numbers") return NUMBERS;
  return kind === "classes" ? ["cross_entropy"] : [...SIGNS, "cross_entropy", ...NUMBERS];
}

/** Which settings mean something beside the others. */
export function inUse(settings) {
  const { data, net, rule } = settings;
  const hidden = net !== "linear" && net !== "given";
  return {
    samples: data !== "own" && !(data === "xor" && settings.noise === 0), noise: data !== "own",
    classes: data === "blobs" || data === "spirals",
    depth: hidden, width: hidden, activation: hidden, start: net !== "given", seed: true,
    a: ["constant", "summable", "sqrt", "length"].includes(rule), b: rule === "summable", target: rule === "polyak",
    rate: settings.penalty !== "none",
  };
}

/**
 * Settings that fit each other and the data: what is chosen last stays, and the others follow. `given` is the number of
 * scores of the network from Python, which is left where they do not fit.
 */
export function settled(settings, { kind, classes }, given) {
  const found = { ...settings };
  if (found.start === "hand") {
    Object.assign(found, { net: "plain", depth: 1, width: 2, activation: "relu" });
  }
  const losses = lossesFor(kind);
  if (!losses.includes(found.loss)) found.loss = losses[0];
  if (found.net === "given" && given > 1 && kind !== "numbers") found.loss = "cross_entropy";
  if (found.net === "given" && given === 1 && kind === "signs" && !SIGNS.includes(found.loss)) found.loss = losses[0];
  const scores = found.loss === "cross_entropy" ? classes : 1;
  if (found.net === "given" && scores !== given) found.net = "plain";
  if (found.net === "given") found.start = "given";
  else if (found.start === "given") found.start = "random";
  return found;
}
