import { lossOf } from "./kinks.mjs";
import { assign, byHand, parameters } from "./network.mjs";

const STEPS_OF_REFERENCE = 1500;

/** Batches as chunks for the compiled step: `make(k)` has the numbers of the samples of step k. */
class Chunks {
  constructor(data, outputs, sizes) {
    Object.assign(this, { data, outputs, sizes });
  }

  /** The arguments of the compiled step for `count` steps from step `k` on, whose batches have `batch` samples. */
  of(rowsOf, batch, k, count) {
    const { chunk, outputs } = this.sizes;
    const each = Math.ceil(batch / chunk), calls = each * count;
    const x = new Float32Array(calls * chunk * 2), target = new Float32Array(calls * chunk * outputs);
    const share = new Float32Array(calls * chunk), first = new Float32Array(calls), last = new Float32Array(calls);
    for (let s = 0; s < count; s++) {
      first[s * each] = last[(s + 1) * each - 1] = 1;
      const rows = rowsOf(k + s);
      for (let i = 0; i < batch; i++) {
        const at = s * each * chunk + i;
        x.set(this.data.points[rows[i]], 2 * at);
        this.aim(target, outputs * at, rows[i]);
        share[at] = 1 / batch;
      }
    }
    return { x, target, share, first, last, each, calls };
  }

  /** Writes the target of a sample: one number, or the shares of classes. */
  aim(target, at, row) {
    const { kind, targets } = this.data, wanted = targets[row];
    if (this.outputs === 1) target[at] = wanted;
    else target[at + (kind === "signs" ? (wanted + 1) / 2 : wanted)] = 1;
  }
}

/** A network in training: the compiled routines, data and settings, and what happened so far. */
export class Training {
  /** `model` has the compiled routines, `sizes` the lengths of their arrays, `given` the parameters from Python. */
  constructor(model, sizes, given) {
    Object.assign(this, { model, sizes, given });
  }

  /** Begins anew, with the first weights of the settings. */
  begin(settings, data, net) {
    Object.assign(this, { settings, data, net, step: 0, failed: false });
    this.chunks = new Chunks(data, net.outputs, this.sizes);
    this.full = settings.batch === "all" || Number(settings.batch) >= data.points.length;
    const { state } = this.model;
    for (const [name, values] of Object.entries(state)) {
      if (!(name in net.switches)) values.fill(0);
    }
    for (const [name, values] of Object.entries(net.switches)) state[name].set(values);
    state.activation[0] = this.sizes.activations.indexOf(settings.activation);
    state.loss[0] = this.sizes.losses.indexOf(settings.loss);
    state.rule[0] = this.sizes.rules.indexOf(["length", "polyak"].includes(settings.rule) ? settings.rule : "given");
    state.l1[0] = settings.penalty === "l1" ? settings.rate : 0;
    state.l2[0] = settings.penalty === "l2" ? settings.rate : 0;
    if (settings.start === "random") this.#draw();
    if (settings.start === "hand") assign(net, state, byHand(net));
    if (settings.start === "given") assign(net, state, this.given);
    this.sums = { size: 0, square: 0 };
    this.best = Infinity;
    this.curve = new Curve();
    this.first = parameters(net, this.model.state);
    this.measure();
    this.reference = this.convex && this.full ? this.#refer() : null;
  }

  /** Whether the loss is a convex function of the weights: it is for a linear network. */
  get convex() {
    return this.net.depth === 0;
  }

  /** `count` steps; false if the loss is no finite number any more. */
  run(count) {
    const { settings, data } = this;
    const batch = this.full ? data.points.length : Number(settings.batch);
    const draws = this.full ? null : this.#draws(count);
    const { loss, norm, taken, each } = this.#steps(draws, batch, this.step, count, (k) => this.size(k));
    this.held = this.heldLoss();
    for (let s = 0; s < count && !this.failed; s++) {
      const i = (s + 1) * each - 1;
      this.step++;
      this.last = { loss: loss[i], norm: norm[i], size: taken[i] };
      this.failed = ![loss[i], norm[i]].every(Number.isFinite);
      if (!this.failed) this.#note(this.last);
    }
    return !this.failed;
  }

  /** What the rule gives step k, which begins at 1: a size, or what the compiled step makes one of. */
  size(k) {
    const { rule, a, b, target } = this.settings;
    const rules = { summable: a / (b + k), hundred: 100 / (100 + k), sqrt: a / Math.sqrt(k), polyak: target };
    return rules[rule] ?? a;
  }

  /** One sample, forward and backward: see `look` in routines.py. */
  look(row) {
    const target = new Float32Array(this.sizes.outputs);
    this.chunks.aim(target, 0, row);
    return this.model.look(Float32Array.from(this.data.points[row]), target);
  }

  /** Scores at places, one row of numbers for each. */
  scores(points) {
    const { row, outputs } = this.sizes;
    const calls = Math.ceil(points.length / row), x = new Float32Array(calls * row * 2);
    points.forEach((p, i) => x.set(p, 2 * i));
    const { scores } = this.model.surface(x, calls);
    return points.map((_, i) => scores.subarray(i * outputs, i * outputs + this.net.outputs));
  }

  /** How many points have the right sign or class; the root mean squared error for numbers. */
  quality() {
    const { kind, points, targets } = this.data;
    const scores = this.scores(points);
    if (kind === "numbers") {
      const squares = scores.reduce((sum, f, i) => sum + (f[0] - targets[i]) ** 2, 0);
      return { error: Math.sqrt(squares / points.length) };
    }
    const right = scores.filter((f, i) => {
      if (f.length === 1) return f[0] * targets[i] > 0;
      const best = f.indexOf(Math.max(...f));
      return best === (kind === "signs" ? (targets[i] + 1) / 2 : targets[i]);
    });
    return { right: right.length, of: points.length };
  }

  /** The mean loss, without penalties, of the points that are held out, where the network is; NaN if there are none. */
  heldLoss() {
    const { held, kind } = this.data;
    if (!held) return NaN;
    const signs = this.settings.loss === "cross_entropy" && kind === "signs";
    const label = (t) => (signs ? (t + 1) / 2 : t), scores = this.scores(held.points);
    const losses = scores.map((f, i) => lossOf(this.settings.loss, f, label(held.targets[i])));
    return losses.reduce((sum, v) => sum + v, 0) / losses.length;
  }

  /** The gradient of the last batch in the form of the parameters: an array by its name. */
  gradient(array) {
    return this.model.state[`gradients_${array}`];
  }

  #steps(draws, batch, from, count, sizeOf) {
    const n = this.data.points.length, all = Array.from({ length: n }, (_, i) => i), { drawn } = this.sizes;
    const numbers = (k) => draws.slice((k - from) * drawn, (k - from) * drawn + batch);
    const some = (k) => numbers(k).map((u) => Math.floor(Math.fround(u * n)));
    const rowsOf = draws ? some : () => all;
    const { x, target, share, first, last, each, calls } = this.chunks.of(rowsOf, batch, from, count);
    const sizes = new Float32Array(calls);
    for (let s = 0; s < count; s++) sizes[(s + 1) * each - 1] = sizeOf(from + s + 1);
    return { ...this.model.step(x, target, share, first, last, sizes, calls), each };
  }

  /** Random numbers for the batches of the next steps. */
  #draws(count) {
    const seeds = Array.from({ length: count }, (_, s) => [this.settings.seed, 1001 + this.step + s]).flat();
    return this.model.draw(seeds, count);
  }

  /** Weights and biases as PyTorch draws them: uniform between -1/sqrt(n) and 1/sqrt(n) for n inputs. */
  #draw() {
    const values = {};
    this.net.linears.forEach(({ name, from, to }, map) => {
      const bound = 1 / Math.sqrt(from.length), dot = name && `${name}.`;
      const draw = (stream) => this.model.draw([this.settings.seed, stream], 1).map((u) => bound * (2 * u - 1));
      const [w, b] = [draw(2 * map), draw(2 * map + 1)];
      values[`${dot}weight`] = to.map((_, o) => from.map((_, i) => w[o * from.length + i]));
      values[`${dot}bias`] = to.map((_, o) => b[o]);
    });
    assign(this.net, this.model.state, values);
  }

  #note({ loss, norm, size }) {
    this.sums.size += size;
    this.sums.square += (size * norm) ** 2;
    this.best = Math.min(this.best, loss);
    this.curve.add(loss, this.bound(), this.held);
  }

  /**
   * What the least loss so far cannot exceed, for a convex loss of all points. The inequality of the subgradient
   * method, best - f(u) <= (|x - u|^2 + sum of a^2 |g|^2) / (2 sum of a), holds for every u; here u is a good point.
   */
  bound() {
    if (!this.reference || !this.sums.size) return NaN;
    return this.reference.loss + (this.reference.distance + this.sums.square) / (2 * this.sums.size);
  }

  /** Loss and gradient of all points where the network is. */
  measure() {
    const rule = this.model.state.rule[0];
    this.model.state.rule[0] = 0;
    const { loss, norm } = this.#steps(null, this.data.points.length, 0, 1, () => 0);
    this.model.state.rule[0] = rule;
    this.last = { loss: loss.at(-1), norm: norm.at(-1), size: 0 };
    this.held = this.heldLoss();
  }

  #weights() {
    return this.net.linears.flatMap(({ from, to, weight, bias }) =>
      to.flatMap((o) => [...from.map((i) => weight(o, i)), bias(o)])).map(([array, at]) => this.model.state[array][at]);
  }

  /** A good point, the best of many steps: its loss, and its squared distance from the first weights. */
  #refer() {
    const { state } = this.model;
    const kept = Object.fromEntries(Object.entries(state).map(([name, values]) => [name, values.slice()]));
    const start = this.#weights();
    let found = { loss: Infinity, at: start };
    state.rule[0] = 0;
    const all = this.data.points.length;
    for (let k = 0; k < STEPS_OF_REFERENCE; k += 25) {
      const at = this.#weights();
      const { loss, each } = this.#steps(null, all, k, 25, (i) => 1 / Math.sqrt(i));
      if (loss[each - 1] < found.loss) found = { loss: loss[each - 1], at };
    }
    for (const [name, values] of Object.entries(kept)) this.model.state[name].set(values);
    const distance = found.at.reduce((sum, u, i) => sum + (u - start[i]) ** 2, 0);
    return { loss: found.loss, distance };
  }
}

/** Losses, bounds and losses of what is held out over the steps: at most 2000 of them, every 2nd, 4th, ... step of a long run. */
class Curve {
  constructor() {
    Object.assign(this, { losses: [], bounds: [], held: [], every: 1, seen: 0 });
  }

  add(loss, bound, held) {
    if (this.seen++ % this.every) return;
    this.losses.push(loss);
    this.bounds.push(bound);
    this.held.push(held);
    if (this.losses.length < 2000) return;
    for (const name of ["losses", "bounds", "held"]) this[name] = this[name].filter((_, i) => i % 2 === 0);
    this.every *= 2;
  }
}
