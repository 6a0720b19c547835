import { Controls } from "./controls.mjs";
import { Diagram } from "./diagram.mjs";
import { $, copy, node, palette, save, tell } from "./elements.mjs";
import { drawCurve } from "./loss_curve.mjs";
import { network, parameters } from "./network.mjs";
import { fromTable, packed, readCsv, unpacked, withoutEmpty } from "./own_data.mjs";
import { program } from "./program.mjs";
import { showFacts, showNumbers, showPicked, showWalk } from "./readout.mjs";
import { shown, targetName, walk } from "./sample_walk.mjs";
import { fromAddress, OPENING, settled, SETTINGS, toAddress } from "./settings.mjs";
import { storyOf } from "./story.mjs";
import { REACH, Surface } from "./surface.mjs";
import { data as dataOf, heldOut, toyData } from "./toy_data.mjs";
import { Training } from "./training.mjs";

const MOST_IN_ADDRESS = { points: 80, table: 150 };
const PARTS = { points: 100, table: 1000 }; // of 1: how fine the numbers of an address are
const FRAME = 10; // milliseconds of a frame that steps may take
const QUIET = 4; // frames after which numbers change, so that they can be read

/**
 * The page: what is chosen, and what follows from it. `model` has the compiled routines, `sizes` the lengths of their
 * arrays; the rest is from Python: a table, and the architecture of a network with its parameters.
 */
export class Page {
  constructor(model, { sizes, table, architecture, parameters: given }) {
    Object.assign(this, { model, sizes, given, architecture, playing: false, rate: 0, frames: 0 });
    this.opening = { ...OPENING };
    if (given) Object.assign(this.opening, { net: "given", start: "given" });
    if (architecture?.outputs > 1) Object.assign(this.opening, { data: "blobs", classes: architecture.outputs });
    SETTINGS.depth.to = sizes.depth;
    SETTINGS.width.to = sizes.width;
    this.training = new Training(model, sizes, given);
    this.surface = new Surface($("surface"), sizes);
    this.diagram = new Diagram($("network"), (picked) => this.select({ sample: this.selected.sample, ...picked }));
    this.controls = new Controls($("controls"), (name, value) => this.change({ [name]: value }));
    this.selected = { sample: 0 };
    $("settings").open = matchMedia("(min-width: 44rem)").matches;
    this.#listen();
    if (table && this.useTable(table)) {
      const [net, start] = given ? ["given", "given"] : ["plain", "random"];
      this.opening = { ...this.opening, data: "own", net, start };
      this.inPage = this.table;
    }
    this.open(location.hash);
    requestAnimationFrame((time) => this.#frame(time));
  }

  /** The settings; a network from Python has an architecture of its own. */
  get chosen() {
    return this.settings.net === "given" ? { ...this.settings, ...this.architecture } : this.settings;
  }

  /** What an address says, or what the page opens with. */
  open(hash) {
    const asked = new URLSearchParams(hash.replace(/^#/, ""));
    const form = ["points", "table"].find((name) => asked.get(name));
    const read = form && unpacked(asked.get(form), asked.get("kind"), this.sizes.outputs, PARTS[form]);
    this.own = form ? read && named(read, asked) : this.table;
    this.settings = fromAddress(hash, this.opening);
    if (this.settings.data === "own" && !this.own) this.settings.data = "xor";
    if (this.settings.net === "given" && !this.given) this.settings.net = "linear";
    this.begin();
  }

  /** Other settings, which begin a training anew unless they are about its pace. */
  change(changes) {
    const { net, start } = this.settings;
    const drawn = start === "hand" || (net === "linear" && start === "zeros") ? "random" : start;
    const begun = changes.net === undefined ? start : changes.net === "linear" ? "zeros" : drawn;
    this.settings = { ...this.settings, start: begun, ...changes };
    if (Object.keys(changes).every((name) => name === "speed")) this.#choices();
    else this.begin();
  }

  /** From the settings to a network with its first weights. */
  begin() {
    this.whole = this.settings.data === "own" ? this.own : toyData(this.settings);
    this.data = heldOut(this.whole, this.settings.held, this.settings.seed);
    this.settings = settled(this.settings, this.data, this.architecture?.outputs);
    this.net = network(this.chosen, this.settings.loss === "cross_entropy" ? this.data.classes : 1, this.sizes);
    this.training.begin(this.chosen, this.data, this.net);
    this.selected = { sample: Math.min(this.selected.sample, this.data.points.length - 1) };
    this.at = 0;
    this.diagram.build(this.net);
    this.#choices();
    tell($("message"), this.data.about ?? "");
    this.show();
    this.#toAddress();
  }

  play(on) {
    this.playing = on && !this.training.failed;
    this.rate = 0;
    tell($("play"), this.playing ? "Pause" : "Play");
    this.show();
  }

  step() {
    this.play(false);
    this.training.run(1);
    this.show();
  }

  select(selected) {
    this.selected = selected;
    this.show();
  }

  /** Draws everything anew. */
  show() {
    this.#draw();
    this.#tell();
  }

  #frame(time) {
    if (this.playing) {
      this.#run(Number(this.settings.speed));
      const now = 1000 / Math.max(time - this.time, 1);
      if (this.time) this.rate = this.rate ? 0.95 * this.rate + 0.05 * now : now;
      this.#draw();
      if (this.frames++ % QUIET === 0) this.#tell();
    }
    this.time = this.playing ? time : 0;
    requestAnimationFrame((next) => this.#frame(next));
  }

  #run(steps) {
    const until = performance.now() + FRAME;
    for (let done = 0; done < steps && performance.now() < until && this.playing; done += 20) {
      if (!this.training.run(Math.min(steps - done, 20))) this.play(false);
    }
  }

  /** What moves: the surface and the curve. */
  #draw() {
    this.palette ??= palette();
    const { palette: colours, selected, cursor } = this;
    this.surface.draw(this.training, { palette: colours, selected, cursor, kinks: $("kinks").checked });
    drawCurve($("curve"), this.training, colours);
  }

  /** What is read: the network with its numbers, and all texts. */
  #tell() {
    const { training, data, selected } = this, walked = walk(training, selected.sample);
    this.at = Math.min(this.at, walked.length);
    this.diagram.draw(training, walked, selected, walked.step(this.at - 1));
    showFacts(training, this.playing && this.rate);
    showWalk(data, selected.sample, walked, this.at);
    showPicked(training, walked, selected);
    if ($("numbers").open) showNumbers(training);
    const story = storyOf(this);
    tell($("story"), story.text);
    const dotted = data.held ? " Dotted: the loss of the points that are held out, without a penalty." : "";
    tell($("curve-note"), story.bound + dotted);
    this.#offer(story.offers);
    $("curve").setAttribute("aria-label", `Loss ${shown(training.last.loss)} after ${training.step} steps`);
  }

  /** What can be chosen, and what the surface shows, which depends on the settings alone. */
  #choices() {
    const { settings, data } = this, axes = data.axes ?? ["x₁", "x₂"];
    this.controls.show(settings, data.kind, Boolean(this.given));
    const hinge = settings.loss === "hinge" ? "; dashed: those of the hinge" : "";
    tell($("surface-help"), `${axes.join(" to the right, ")} upwards. Thin lines: the kinks of the units, a colour for `
      + `each layer${hinge}. Arrow keys and Enter do what a tap does.`);
    const about = `The answer at each place of ${axes.join(" and ")}, with ${data.points.length} points`;
    $("surface").setAttribute("aria-label", about);
    const targets = {
      signs: [-1, 1], numbers: [-1, -0.5, 0, 0.5, 1], classes: Array.from({ length: data.classes }, (_, i) => i),
    }[data.kind];
    const kept = $("tap").value;
    $("tap").replaceChildren(
      node("option", { value: "look", textContent: "looks at a point" }),
      ...targets.map((t) => node("option", { value: t, textContent: `adds a point, y = ${targetName(data, t)}` })),
    );
    $("tap").value = [...$("tap").options].some((o) => o.value === kept) ? kept : "look";
  }

  #offer(offers) {
    const key = offers.map((o) => o.text).join("|");
    if (this.offered === key) return;
    this.offered = key;
    $("next").replaceChildren(...offers.map(({ text, changes, play }) => {
      const button = node("button", { type: "button", textContent: text });
      button.addEventListener("click", () => { this.change(changes); this.play(Boolean(play)); });
      return button;
    }));
  }

  #toAddress() {
    let hash = toAddress(this.settings, this.opening);
    const { points, targets, kind, axes, labels } = this.whole, form = axes ? "table" : "points";
    if (this.settings.data === "own" && this.own !== this.inPage && points.length <= MOST_IN_ADDRESS[form]) {
      hash += `&kind=${kind}&${form}=${packed(points.map((p, i) => [...p, targets[i]]), PARTS[form])}`;
      for (const [name, texts] of Object.entries({ axes, labels })) {
        for (const text of texts ?? []) hash += `&${name}=${encodeURIComponent(text)}`;
      }
    }
    history.replaceState(null, "", `#${hash}`);
  }

  // Points of a reader's own

  /** A tap on the surface: it looks at the nearest point, or adds one. */
  tap(place) {
    const choice = $("tap").value;
    if (choice !== "look") {
      this.add([...place.map((v) => Math.round(v * 100) / 100), Number(choice)]);
      return;
    }
    const away = this.data.points.map(([x, y]) => Math.hypot(x - place[0], y - place[1]));
    this.at = 0;
    this.select({ sample: away.indexOf(Math.min(...away)) });
  }

  add(row) {
    const { kind, classes, points, targets } = this.whole, { playing } = this;
    const rows = this.cleared ? [] : points.map((p, i) => [...p, targets[i]]);
    this.cleared = false;
    this.own = dataOf([...rows.slice(-499), row], kind, classes);
    this.settings = { ...this.settings, data: "own" };
    this.begin();
    this.play(playing);
  }

  clear() {
    this.cleared = true;
    $("tap").value = $("tap").options[1].value;
    tell($("message"), "The next point that you add will be the first.");
  }

  csv(text) {
    if (!this.useTable(readCsv(text))) return;
    this.own = this.table;
    this.change({ data: "own", net: "plain", start: "random" });
  }

  /** A table whose last column is learnt, until another one is chosen; whether it can be. */
  useTable(given) {
    this.read = withoutEmpty(given);
    const { names } = this.read, last = names.length - 1;
    $("column").replaceChildren(...names.map((name, value) => node("option", { value, textContent: name })));
    $("column").value = last;
    $("column-choice").hidden = false;
    const found = this.#tried(() => fromTable(this.read, last, this.sizes.outputs));
    if (!found) return false;
    this.table = found;
    return true;
  }

  useColumn(column) {
    const found = this.#tried(() => fromTable(this.read, column, this.sizes.outputs));
    if (!found) return;
    this.own = found;
    this.change({ data: "own" });
  }

  /** What it gives; null, and a message, if it throws an Error. */
  #tried(make) {
    try {
      return make();
    } catch (error) {
      tell($("message"), `This table cannot be used: ${error.message}.`);
      return null;
    }
  }

  // Numbers in and out

  setWeight(value) {
    const { map, from, to } = this.selected;
    if (!map || !Number.isFinite(value)) return;
    const [array, at] = map.weight(to, from);
    this.model.state[array][at] = value;
    this.training.measure();
    this.show();
  }

  python() {
    tell($("program").querySelector("code"), program(this.chosen, this.data, this.net, this.training.first));
    $("program").showModal();
  }

  weights() {
    const { settings, training } = this, { step, last } = training;
    const found = { settings, step, loss: last.loss, parameters: parameters(this.net, this.model.state) };
    save(JSON.stringify(found, null, 1), "weights.json");
  }

  // Events

  #listen() {
    const on = (id, event, act) => $(id).addEventListener(event, act);
    const read = async ([file]) => { if (file) this.csv(await file.text()); $("csv").value = ""; };
    const walkTo = (at) => { this.at = Math.max(0, at); this.show(); };
    on("play", "click", () => this.play(!this.playing));
    on("step", "click", () => this.step());
    on("reset", "click", () => { this.play(false); this.begin(); });
    on("kinks", "change", () => this.show());
    on("surface", "click", (event) => this.tap(this.surface.place(event)));
    on("surface", "keydown", (event) => this.#key(event));
    on("surface", "blur", () => { this.cursor = null; this.show(); });
    on("clear", "click", () => this.clear());
    on("csv", "change", () => read([...$("csv").files]));
    on("column", "change", () => this.useColumn(Number($("column").value)));
    on("sample", "change", () => this.#sample(parseInt($("sample").value, 10) - 1));
    on("walk-on", "click", () => walkTo(this.at + 1));
    on("walk-back", "click", () => walkTo(this.at - 1));
    on("weight", "change", () => this.setWeight(Number($("weight").value)));
    on("numbers", "toggle", () => this.show());
    on("python", "click", () => this.python());
    on("copy", "click", () => copy($("program").querySelector("code").textContent, $("copy")));
    on("close", "click", () => $("program").close());
    on("link", "click", () => copy(location.href, $("link")));
    on("weights", "click", () => this.weights());
    addEventListener("hashchange", () => this.open(location.hash));
    addEventListener("resize", () => { this.diagram.build(this.net); this.show(); });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => { event.preventDefault(); read(event.dataTransfer.files); });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => { this.palette = null; this.show(); });
  }

  #sample(row) {
    if (this.data.points[row]) this.selected = { sample: row };
    this.at = 0;
    $("sample").value = this.selected.sample + 1;
    this.show();
  }

  #key(event) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const here = this.cursor ?? [0, 0];
    if (move) this.cursor = here.map((v, i) => Math.max(-REACH, Math.min(REACH, v + 0.1 * move[i])));
    else if (event.key === "Enter" || event.key === " ") this.tap(here);
    else return;
    event.preventDefault();
    this.show();
  }
}

/** The data of an address with the names of a table's axes and classes, if it has as many as there are. */
function named(data, asked) {
  const [axes, labels] = ["axes", "labels"].map((name) => asked.getAll(name));
  if (axes.length !== 2) return data;
  return { ...data, axes, labels: labels.length === data.classes && labels.length ? labels : undefined };
}
