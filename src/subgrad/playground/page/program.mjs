/** The Python program that trains the same network on the same points, step for step. */
export function program(settings, data, net, values) {
  const { loss, seed, penalty, rate } = settings;
  const classes = net.outputs > 1;
  const own = settings.start === "hand" || settings.start === "given";
  const batched = settings.batch !== "all" && Number(settings.batch) < data.points.length;
  const targets = data.targets.map((t) => (classes && data.kind === "signs" ? (t + 1) / 2 : t));
  const scores = classes ? "net(x)" : "net(x)[:, 0]";
  const added = penalty === "none" ? "" : ` + ${rate} * sum(sg.${PENALTIES[penalty]}(w).sum() for w in weights)`;
  return [
    "import numpy as np",
    "import subgrad as sg",
    "from subgrad import nn",
    "",
    `X = np.array(${matrix(data.points)}, np.float32)`,
    `y = np.array(${wrapped(targets)}, ${classes ? "np.int64" : "np.float32"})`,
    "",
    ...(settings.activation === "abs" && net.depth ? ABS : []),
    ...architecture(settings, net),
    ...(own ? ownStart(values) : START[settings.start](seed)),
    ...(penalty === "none" ? [] : ['weights = [p for name, p in net.named_parameters() if name.endswith("weight")]']),
    `method = sg.SGD(${rule(settings)})`,
    "",
    "",
    "@sg.compile",
    "def step(x, y, state):",
    `    loss = nn.${FUNCTIONS[loss] ?? loss}(${scores}, y)${added}`,
    "    return loss, sg.update(net, sg.grad(loss, net), method, state, loss)",
    "",
    "",
    "losses, state = [], method.init(net)",
    "for k in range(1, 201):",
    ...(batched
      ? [`    drawn = sg.random.uniform([${seed}, 1000 + k], (${settings.batch},)).numpy()`,
        `    rows = np.floor(drawn * np.float32(${data.points.length})).astype(int)`,
        "    loss, state = step(X[rows], y[rows], state)"]
      : ["    loss, state = step(X, y, state)"]),
    "    losses.append(float(loss))",
    'print(losses[0], "->", losses[-1])',
    "",
  ].join("\n");
}

const FUNCTIONS = {
  hinge: "hinge_loss", binomial: "binomial_loss", squared: "squared_loss", absolute: "absolute_loss",
  huber: "huber_loss",
};
const ACTIVATIONS = {
  relu: "nn.ReLU()", leaky_relu: "nn.LeakyReLU()", abs: "Abs()", tanh: "nn.Tanh()", sigmoid: "nn.Sigmoid()",
};
const PENALTIES = { l1: "abs", l2: "square" };
const ABS = ["", "class Abs(nn.Module):", "    def forward(self, x):", "        return sg.abs(x)", "", ""];

const START = {
  zeros: () => ["for p in net.parameters():", "    p.assign(np.zeros(p.shape))"],
  random: (seed) => [
    "maps = [m for _, m in net.named_modules() if isinstance(m, nn.Linear)]",
    "for i, m in enumerate(maps):",
    "    bound = 1 / np.sqrt(m.weight.shape[1])",
    `    m.weight.assign(bound * (2 * sg.random.uniform([${seed}, 2 * i], m.weight.shape) - 1))`,
    `    m.bias.assign(bound * (2 * sg.random.uniform([${seed}, 2 * i + 1], m.bias.shape) - 1))`,
  ],
};

function ownStart(values) {
  const array = (v) => `np.array(${JSON.stringify(v)}, np.float32)`;
  const entries = Object.entries(values).map(([name, v]) => `    "${name}": ${array(v)},`);
  return ["net.load_state_dict({", ...entries, "})"];
}

function rule({ rule, a, b, target }) {
  return {
    constant: `${a}`, summable: `sg.step.SquareSummable(${a}, ${b})`, hundred: "sg.step.SquareSummable(100, 100)",
    sqrt: `sg.step.InverseSqrt(${a})`, length: `sg.step.ConstantLength(${a})`, polyak: `sg.step.Polyak(${target})`,
  }[rule];
}

function architecture({ net: kind, activation }, net) {
  const act = ACTIVATIONS[activation], out = net.outputs, last = net.scores[0].layer;
  const map = (from, to) => `nn.Linear(${from}, ${to})`;
  if (net.depth === 0) return [`net = ${map(2, out)}`];
  const widths = net.units.map((u) => u.length);
  if (kind === "branches") {
    const paths = net.linears.filter((m) => m.name.startsWith("paths")).reduce((found, m) => {
      const path = m.name.split(".")[2];
      (found[path] ??= []).push(`${map(m.from.length, m.to.length)}, ${act}`);
      return found;
    }, []);
    return [
      "net = nn.Sequential({", '    "paths": nn.Branches(',
      ...paths.map((p) => `        nn.Sequential(${p.join(", ")}),`),
      "        nn.Identity(),", "    ),", `    "out": ${map(widths[last - 1] + 2, out)},`, "})",
    ];
  }
  const layers = widths.flatMap((w, l) => {
    if (l && kind === "residual") return [`    "hidden${l + 1}": nn.Residual(nn.Sequential(${map(w, w)}, ${act})),`];
    return [`    "hidden${l + 1}": ${map(l ? widths[l - 1] : 2, w)},`, `    "activation${l + 1}": ${act},`];
  });
  return ["net = nn.Sequential({", ...layers, `    "out": ${map(widths[last - 1], out)},`, "})"];
}

const matrix = (rows) => `[\n${lines(rows.map((r) => `[${r.join(", ")}]`))}\n]`;
const wrapped = (values) => (values.length < 20 ? `[${values.join(", ")}]` : `[\n${lines(values.map(String))}\n]`);

/** Items in lines of at most 110 characters. */
function lines(items) {
  const found = [""];
  for (const item of items) {
    if (found.at(-1).length + item.length > 106) found.push("");
    found[found.length - 1] += `${item}, `;
  }
  return found.map((l) => `    ${l.trimEnd()}`).join("\n");
}
