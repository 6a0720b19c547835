/* HEAD */
const SPEC = /* SPEC */ null;

const KINDS = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array,
  bool: Uint8Array,
};

/** The model in the WebAssembly file beside this module, or in what is given: a URL, bytes, or a compiled module. */
export async function load(source = new URL(SPEC.file, import.meta.url)) {
  const made = await WebAssembly.instantiate(await content(source), {});
  return new Model(made.instance ?? made);
}

async function content(source) {
  if (source instanceof URL && source.protocol === "file:") {
    return (await import("node:fs/promises")).readFile(source);
  }
  if (source instanceof URL || typeof source === "string") {
    const answer = await fetch(source);
    if (!answer.ok) throw new Error(`cannot load ${source}: ${answer.status} ${answer.statusText}`);
    return answer.arrayBuffer();
  }
  return source;
}

const sizeOf = (array) => array.shape.reduce((n, m) => n * m, 1);
const bytesOf = (array) => sizeOf(array) * KINDS[array.dtype].BYTES_PER_ELEMENT;
const rounded = (n) => Math.ceil(n / 16) * 16;

class Model {
  #exports;
  #arena;
  #stateAt;
  #free;
  #plans = new Map();

  constructor(instance) {
    this.#exports = instance.exports;
    this.#stateAt = rounded(instance.exports.__heap_base.value);
    this.#arena = this.#stateAt + rounded(SPEC.state.size);
    this.#free = this.#arena + rounded(SPEC.arena);
    this.seed = 0n;
    this.drawn = 0n;
    this.#room(0);
    for (const routine of SPEC.routines) {
      this[routine.name] = (...given) => this.#call(routine, given);
    }
    this.reset();
  }

  /** Parameters, and the optimiser's state, as they were when the model was exported. */
  reset() {
    if (SPEC.state.size) this.#exports[`${SPEC.prefix}_init`](this.#stateAt);
  }

  /** The parameters, and the optimiser's state, by name: views of the memory, valid until the next call. */
  get state() {
    const found = {};
    for (const array of SPEC.state.arrays) found[array.name] = this.#view(array, this.#stateAt + array.offset, 1);
    return found;
  }

  #call(routine, given) {
    const where = `${routine.name}(${[...routine.arguments.map((a) => a.name), "count"].join(", ")})`;
    const expected = routine.arguments.length;
    if (given.length < expected || given.length > expected + 1) {
      throw new TypeError(`${where}: expected ${expected} arrays and perhaps count, got ${given.length} arguments`);
    }
    const count = given[expected] ?? (expected ? counted(routine.arguments[0], given[0], where) : 1);
    if (!Number.isInteger(count) || count < 0) throw new RangeError(`${where}: expected a whole count, got ${count}`);
    routine.arguments.forEach((array, i) => check(array, given[i], count, where));
    const plan = this.#plan(routine, count);
    if (routine.draws) this.#seed(plan.seeds);
    plan.given.forEach((view, i) => fill(view, given[i], routine.arguments[i]));
    this.#exports[`${SPEC.prefix}_${routine.name}`](...plan.pointers, count, this.#arena);
    const results = plan.results.map((view, k) => numbers(view, routine.results[k]));
    return results.length === 1 ? results[0]
      : Object.fromEntries(routine.results.map((array, k) => [array.name, results[k]]));
  }

  /** Where the arrays of so many calls lie: kept, because calls are mostly like the one before. */
  #plan(routine, count) {
    const kept = this.#plans.get(routine);
    if (kept?.count === count && kept.memory === this.#exports.memory.buffer) return kept;
    let at = this.#free;
    const place = (bytes) => (at += rounded(bytes)) - rounded(bytes);
    const seeds = routine.draws ? [place(16 * count)] : [];
    const given = routine.arguments.map((array) => place(bytesOf(array) * count));
    const results = routine.results.map((array) => place(bytesOf(array) * count));
    this.#room(at - this.#free);
    const plan = {
      count,
      memory: this.#exports.memory.buffer,
      pointers: [...(routine.state ? [this.#stateAt] : []), ...seeds, ...given, ...results],
      seeds: seeds.map((at) => new BigInt64Array(this.#exports.memory.buffer, at, 2 * count))[0],
      given: routine.arguments.map((array, i) => this.#view(array, given[i], count)),
      results: routine.results.map((array, i) => this.#view(array, results[i], count)),
    };
    this.#plans.set(routine, plan);
    return plan;
  }

  #seed(seeds) {
    for (let i = 0; i < seeds.length; i += 2) {
      seeds[i] = this.seed;
      seeds[i + 1] = this.drawn++;
    }
  }

  #room(bytes) {
    const missing = this.#free + bytes - this.#exports.memory.buffer.byteLength;
    if (missing > 0) this.#exports.memory.grow(Math.ceil(missing / 65536));
  }

  #view(array, at, count) {
    return new KINDS[array.dtype](this.#exports.memory.buffer, at, sizeOf(array) * count);
  }
}

function counted(array, given, where) {
  const count = (given?.length ?? 0) / sizeOf(array);
  if (!Number.isInteger(count)) check(array, given, Math.ceil(count), where);
  return count;
}

function check(array, given, count, where) {
  const wanted = count * sizeOf(array);
  const shape = `${count} x (${array.shape.join(", ")})`;
  if (typeof given !== "object" || given?.length === undefined) throw new TypeError(`${where}: ${array.name}: expected an array of numbers`);
  if (given.length !== wanted) {
    throw new RangeError(`${where}: ${array.name}: expected ${shape} = ${wanted} numbers, got ${given.length}`);
  }
}

/** A copy of what lies in the memory; integers that stand for numbers, as these. */
function numbers(view, { scale, zero }) {
  return scale === undefined ? view.slice() : Float32Array.from(view, (n) => scale * (n - zero));
}

/** Writes numbers to the memory. Those that are to be integers of 64 bits go as two halves: BigInts take ten times as long. */
function fill(view, given, { scale, zero }) {
  if (scale !== undefined) {
    for (let i = 0; i < given.length; i++) {
      view[i] = Math.max(0, Math.min(255, Math.floor(given[i] / scale + zero + 0.5)));
    }
    return;
  }
  if (!(view instanceof BigInt64Array) || typeof given[0] === "bigint") return view.set(given);
  const halves = new Int32Array(view.buffer, view.byteOffset, 2 * view.length);
  for (let i = 0; i < given.length; i++) {
    halves[2 * i] = given[i];
    halves[2 * i + 1] = Math.floor(given[i] / 2 ** 32);
  }
}
