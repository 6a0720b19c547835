/**
 * The slopes that functions of one number have: `at` is where a kink is, `slopes` the ends of the interval of slopes
 * there, and `chosen` the one of least norm, which subgrad takes.
 */
const ACTIVATIONS = {
  relu: { formula: "max(z, 0)", slopes: [0, 1], chosen: 0, slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: { formula: "max(z, 0.01 z)", slopes: [0.01, 1], chosen: 0.01, slope: (z) => (z > 0 ? 1 : 0.01) },
  abs: { formula: "|z|", slopes: [-1, 1], chosen: 0, slope: Math.sign },
  tanh: { formula: "tanh z", slope: (z) => 1 - Math.tanh(z) ** 2 },
  sigmoid: { formula: "σ(z)", slope: (z) => 1 / (2 + Math.exp(z) + Math.exp(-z)) },
};

/** How an activation is written, its slope at z, and at a kink the interval of slopes. */
export function activation(name, z) {
  const { formula, slopes, chosen, slope } = ACTIVATIONS[name];
  return slopes && z === 0 ? { formula, slope: chosen, interval: slopes } : { formula, slope: slope(z) };
}

const LOSSES = {
  hinge: { formula: "max(1 − y f, 0)", value: (f, y) => Math.max(1 - y * f, 0), at: (f, y) => y * f === 1, slopes: (y) => [Math.min(0, -y), Math.max(0, -y)] },
  absolute: { formula: "|f − y|", value: (f, y) => Math.abs(f - y), at: (f, y) => f === y, slopes: () => [-1, 1] },
  binomial: { formula: "ln(1 + exp(−2 y f))", value: (f, y) => softplus(-2 * y * f) },
  binary_cross_entropy: { formula: "ln(1 + exp(−y f))", value: (f, y) => softplus(-y * f) },
  squared: { formula: "(f − y)²", value: (f, y) => (f - y) ** 2 },
  huber: {
    formula: "(f − y)²/2 if |f − y| ≤ 1, else |f − y| − 1/2",
    value: (f, y) => (Math.abs(f - y) <= 1 ? (f - y) ** 2 / 2 : Math.abs(f - y) - 0.5),
  },
  cross_entropy: { formula: "−f_y + ln Σ exp f_k" },
};

const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

/** The loss of a row of scores, without penalties; `y` is a sign, a number, or for cross-entropy the place of a class. */
export function lossOf(name, scores, y) {
  if (name !== "cross_entropy") return LOSSES[name].value(scores[0], y);
  const top = Math.max(...scores);
  return top - scores[y] + Math.log(scores.reduce((sum, f) => sum + Math.exp(f - top), 0));
}

/** How a loss is written, and at a kink the interval of its slopes. */
export function lossKink(name, f, y) {
  const { formula, at, slopes } = LOSSES[name];
  return at?.(f, y) ? { formula, interval: slopes(y) } : { formula };
}
