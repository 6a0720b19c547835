import { Controls, node } from "./controls.mjs";
import { Diagram } from "./diagram.mjs";
import { drawCurve } from "./loss_curve.mjs";
import { network, parameters } from "./network.mjs";
import { fromTable, packed, readCsv, unpacked } from "./own_data.mjs";
import { program } from "./program.mjs";
import { nodeName, shown, walk } from "./sample_walk.mjs";
import { fromAddress, OPENING, settled, SETTINGS, toAddress } from "./settings.mjs";
import { storyOf } from "./story.mjs";
import { REACH, Surface } from "./surface.mjs";
import { data as dataOf, toyData } from "./toy_data.mjs";
import { Training } from "./training.mjs";

const MOST_IN_ADDRESS = 80;
const FRAME = 12; // milliseconds that steps may take of a frame
const $ = (id) => document.getElementById(id);

/** The page: what is chosen, and what follows from it. `model` has the compiled routines. */
export class Page {
  constructor(model, { sizes, table, architecture, parameters: given }) {
    Object.assign(this, { model, sizes, given, architecture, playing: false, rate: 0 });
    this.opening = { ...OPENING };
    if (given) Object.assign(this.opening, { net: "given", start: "given" });
    if (architecture?.outputs > 1) Object.assign(this.opening, { data: "blobs", classes: architecture.outputs });
    Object.assign(SETTINGS.depth, { to: sizes.depth });
    Object.assign(SETTINGS.width, { to: sizes.width });
    this.training = new Training(model, sizes, given);
    this.surface = new Surface($("surface"), sizes);
    this.diagram = new Diagram($("network"), (picked) => this.pick(picked));
    this.controls = new Controls($("controls"), (name, value) => this.change({ [name]: value }));
    this.selected = { sample: 0 };
    $("settings").open = matchMedia("(min-width: 44rem)").matches;
    this.listen();
    if (table) this.table(table);
    this.open(location.hash);
    requestAnimationFrame((t) => this.frame(t));
  }

  /** What an address says, or what the page opens with. */
  open(hash) {
    const asked = new URLSearchParams(hash.replace(/^#/, "")), rows = asked.get("points");
    this.own = rows ? unpacked(rows, asked.get("kind"), this.sizes.outputs) : this.points;
    this.settings = fromAddress(hash, this.opening);
    if (this.settings.data === "own" && !this.own) this.settings.data = "xor";
    if (this.settings.net === "given" && !this.given) this.settings.net = "linear";
    this.begin();
  }

  /** The settings; a network from Python has an architecture of its own. */
  get chosen() {
    return this.settings.net === "given" ? { ...this.settings, ...this.architecture } : this.settings;
  }

  change(changes) {
    const { settings } = this;
    if (changes.net && settings.net === "linear" && settings.start === "zeros") changes = { start: "random", ...changes };
    if (changes.net && settings.start === "hand") changes = { start: "random", ...changes };
    if (changes.net === "linear") changes = { start: "zeros", ...changes };
    this.settings = { ...settings, ...changes };
    const quiet = Object.keys(changes).every((name) => name === "speed");
    if (quiet) this.controls.show(this.settings, this.data.kind, Boolean(this.given));
    else this.begin();
  }

  /** From the settings to a network with its first weights. */
  begin() {
    this.data = this.settings.data === "own" ? this.own : toyData(this.settings);
    this.settings = settled(this.settings, this.data, this.architecture?.outputs);
    const outputs = this.settings.loss === "cross_entropy" ? this.data.classes : 1;
    this.net = network(this.chosen, outputs, this.sizes);
    this.training.begin(this.chosen, this.data, this.net);
    this.selected = { sample: Math.min(this.selected.sample ?? 0, this.data.points.length - 1) };
    this.at = 0;
    this.diagram.build(this.net);
    this.tapChoices();
    this.controls.show(this.settings, this.data.kind, Boolean(this.given));
    this.message(this.data.about ?? "");
    this.show();
    this.address();
  }

  address() {
    let hash = toAddress(this.settings, this.opening);
    if (this.settings.data === "own" && this.own !== this.points && this.data.points.length <= MOST_IN_ADDRESS) {
      const rows = this.data.points.map((p, i) => [...p, this.data.targets[i]]);
      hash += `&kind=${this.data.kind}&points=${packed(rows)}`;
    }
    history.replaceState(null, "", `#${hash}`);
  }

  frame(time) {
    if (this.playing) {
      const until = performance.now() + FRAME, wanted = Number(this.settings.speed);
      let done = 0;
      while (done < wanted && performance.now() < until && this.playing) {
        const some = Math.min(wanted - done, 20);
        if (!this.training.run(some)) this.play(false);
        done += some;
      }
      if (this.time) this.rate = 0.95 * (this.rate || 60) + 0.05 * (1000 / Math.max(time - this.time, 1));
      this.show();
    }
    this.time = this.playing ? time : 0;
    requestAnimationFrame((t) => this.frame(t));
  }

  play(on) {
    this.playing = on && !this.training.failed;
    $("play").textContent = this.playing ? "Pause" : "Play";
    this.show();
  }

  step() {
    this.play(false);
    this.training.run(1);
    this.show();
  }

  /** Draws everything anew. */
  show() {
    const { training, settings, data } = this, colours = (this.palette ??= palette());
    const walked = walk(training, this.selected.sample);
    this.at = Math.min(this.at, walked.length);
    const step = walked.step(this.at - 1);
    this.surface.draw(training, { palette: colours, selected: this.selected, cursor: this.cursor, kinks: $("kinks").checked });
    this.diagram.draw(training, walked, this.selected, step);
    drawCurve($("curve"), training, colours);
    this.facts();
    this.walked(walked, step);
    this.picked(walked);
    if ($("numbers").open) this.numbers();
    const story = storyOf(this);
    if ($("story").textContent !== story.text) $("story").textContent = story.text;
    this.offer(story.offers);
    $("surface").setAttribute("aria-label", `The answer at each place of the inputs ${(data.axes ?? ["x₁", "x₂"]).join(" and ")}, ${data.points.length} points`);
    $("surface-help").textContent = `${(data.axes ?? ["x₁", "x₂"]).join(" to the right, ")} upwards. Thin lines: kinks of the units, a colour for each layer${settings.loss === "hinge" ? "; dashed: the kinks of the hinge" : ""}. Arrow keys and Enter do what a tap does.`;
    $("curve").setAttribute("aria-label", `Loss ${shown(training.last.loss)} after ${training.step} steps`);
    $("curve-note").textContent = story.bound;
  }

  facts() {
    const { training } = this, { loss, norm, size } = training.last, quality = training.quality();
    const found = {
      step: training.step, loss: shown(loss), "|gradient|": shown(norm < 1e-7 ? 0 : norm), "step size": training.step ? shown(size) : "–",
      ...(quality.of ? { right: `${quality.right} of ${quality.of}` } : { error: shown(quality.error) }),
      "frames/s": this.playing ? Math.round(this.rate) : "–",
    };
    const list = $("facts");
    if (list.children.length !== Object.keys(found).length) {
      list.replaceChildren(...Object.keys(found).map((name) => {
        const pair = node("div");
        pair.append(node("dt"), node("dd"));
        return pair;
      }));
    }
    Object.entries(found).forEach(([name, value], i) => {
      const [dt, dd] = list.children[i].children;
      dt.textContent = name;
      dd.textContent = value;
    });
  }

  offer(offers) {
    const key = offers.map((o) => o.text).join("|");
    if (this.offered === key) return;
    this.offered = key;
    $("next").replaceChildren(...offers.map(({ text, changes, play }) => {
      const button = node("button", { type: "button", textContent: text });
      button.addEventListener("click", () => { this.change(changes); this.play(Boolean(play)); });
      return button;
    }));
  }

  walked(walked, step) {
    $("sample").max = this.data.points.length;
    if (document.activeElement !== $("sample")) $("sample").value = this.selected.sample + 1;
    $("walk-place").textContent = step ? `${this.at} of ${walked.length}, ${step.direction}` : `${walked.length} steps`;
    const content = step ? [
      node("h3", { textContent: step.title }), ...step.lines.map((line) => node("p", { textContent: line })),
      ...(step.kink ? [kinkPicture(step.kink)] : []),
    ] : [node("p", { textContent: `Point ${this.selected.sample + 1}: (${this.data.points[this.selected.sample].map(shown).join(", ")}), y = ${shown(this.data.targets[this.selected.sample])}, loss ${shown(walked.loss)}. Next goes through the network, node by node.` })];
    const key = content.map((c) => c.textContent).join("\n");
    if (this.walkText === key) return;
    this.walkText = key;
    $("walk").replaceChildren(...content);
  }

  pick(picked) {
    this.selected = { sample: this.selected.sample, ...picked };
    this.show();
  }

  picked(walked) {
    const { map, from, to, layer } = this.selected, { state } = this.model;
    $("picked").hidden = !map && layer === undefined;
    const edge = map && this.net.linears.includes(map);
    $("weight").hidden = $("weight").labels[0].hidden = !edge;
    if (edge) {
      const [array, at] = map.weight(to, from), w = state[array][at], slope = state[`gradients_${array}`][at];
      const { penalty, rate } = this.settings, kink = penalty === "l1" && w === 0;
      $("picked-text").textContent = `${nodeName(from, this.net)} → ${nodeName(to, this.net)}: gradient ${shown(slope)}${kink ? `, at the kink of λ|w|: any in [${shown(slope - rate)}, ${shown(slope + rate)}]` : ""}`;
      if (document.activeElement !== $("weight")) $("weight").value = Number(w.toPrecision(6));
    } else if (layer !== undefined) {
      const here = this.selected, before = layer >= 0 && layer < this.net.depth ? `, before it z = ${shown(walked.before(here))}` : "";
      $("picked-text").textContent = `${nodeName(here, this.net)} = ${shown(walked.value(here))}${before}${layer >= 0 ? `, ∂ℓ/∂${nodeName(here, this.net)} = ${shown(walked.slope(here))}` : ""}`;
    }
  }

  numbers() {
    const rows = this.net.linears.flatMap(({ from, to, weight, bias }) => to.flatMap((o) => [
      ...from.map((i) => [`${nodeName(i, this.net)} → ${nodeName(o, this.net)}`, weight(o, i)]), [`bias of ${nodeName(o, this.net)}`, bias(o)],
    ]));
    const line = (cells) => { const tr = node("tr"); tr.append(...cells.map((text, i) => node(i ? "td" : "th", i ? { textContent: text } : { textContent: text, scope: "row" }))); return tr; };
    const head = node("tr");
    head.append(...["edge", "weight", "gradient"].map((textContent) => node("th", { textContent, scope: "col" })));
    $("numbers").querySelector("table").replaceChildren(head, ...rows.map(([name, [array, at]]) =>
      line([name, shown(this.model.state[array][at]), shown(this.model.state[`gradients_${array}`][at])])));
  }

  message(text) {
    $("message").textContent = text;
  }

  // Points

  tapChoices() {
    const { kind, classes } = this.data;
    const targets = kind === "signs" ? [-1, 1] : kind === "classes" ? Array.from({ length: classes }, (_, i) => i) : [-1, -0.5, 0, 0.5, 1];
    const kept = $("tap").value;
    $("tap").replaceChildren(node("option", { value: "look", textContent: "looks at a point" }),
      ...targets.map((t) => node("option", { value: t, textContent: `adds a point, y = ${shown(t)}` })));
    $("tap").value = [...$("tap").options].some((o) => o.value === kept) ? kept : "look";
  }

  tap(place) {
    const choice = $("tap").value;
    if (choice !== "look") return this.add([...place.map((v) => Math.round(v * 100) / 100), Number(choice)]);
    const away = this.data.points.map(([x, y]) => Math.hypot(x - place[0], y - place[1]));
    this.selected = { sample: away.indexOf(Math.min(...away)) };
    this.at = 0;
    return this.show();
  }

  add(row) {
    const { kind, classes, points, targets } = this.data;
    const rows = this.emptied ? [] : points.map((p, i) => [...p, targets[i]]);
    this.emptied = false;
    this.own = dataOf([...rows.slice(-499), row], kind, classes);
    this.settings = { ...this.settings, data: "own" };
    const playing = this.playing;
    this.begin();
    this.play(playing);
  }

  /** A table whose last column is learnt, until another one is chosen. */
  table(read) {
    this.read = read;
    $("column").replaceChildren(...read.names.map((name, value) => node("option", { value, textContent: name })));
    $("column").value = read.names.length - 1;
    $("column-choice").hidden = false;
    this.points = this.tried(() => fromTable(read, read.names.length - 1, this.sizes.outputs));
    if (!this.points) return;
    const net = this.given ? "given" : "plain";
    this.opening = { ...this.opening, data: "own", net, start: this.given ? "given" : "random" };
  }

  csv(text) {
    this.table(readCsv(text));
    if (!this.points) return;
    this.own = this.points;
    this.change({ data: "own", net: "plain", start: "random" });
  }

  useColumn() {
    const found = this.tried(() => fromTable(this.read, Number($("column").value), this.sizes.outputs));
    if (!found) return;
    this.own = found;
    this.change({ data: "own" });
  }

  /** What it gives; null, and a message, if it throws an Error. */
  tried(make) {
    try {
      return make();
    } catch (error) {
      this.message(`This table cannot be used: ${error.message}.`);
      return null;
    }
  }

  // Events

  listen() {
    const on = (id, event, act) => $(id).addEventListener(event, act);
    on("play", "click", () => this.play(!this.playing));
    on("step", "click", () => this.step());
    on("reset", "click", () => { this.play(false); this.begin(); });
    on("kinks", "change", () => this.show());
    on("surface", "click", (event) => this.tap(this.surface.place(event)));
    on("surface", "keydown", (event) => this.key(event));
    on("surface", "blur", () => { this.cursor = null; this.show(); });
    on("clear", "click", () => { this.emptied = true; $("tap").value = $("tap").options[1].value; this.message("The next point that you add will be the first."); });
    on("csv", "change", async () => { const [file] = $("csv").files; if (file) this.csv(await file.text()); });
    on("column", "change", () => this.useColumn());
    on("sample", "change", () => { const row = parseInt($("sample").value, 10) - 1; if (this.data.points[row]) { this.selected = { sample: row }; this.at = 0; } this.show(); });
    on("walk-on", "click", () => { this.at++; this.show(); });
    on("walk-back", "click", () => { this.at = Math.max(0, this.at - 1); this.show(); });
    on("weight", "change", () => this.setWeight(Number($("weight").value)));
    on("numbers", "toggle", () => this.show());
    on("python", "click", () => this.python());
    on("copy", "click", () => copy($("program").querySelector("code").textContent, $("copy")));
    on("close", "click", () => $("program").close());
    on("link", "click", () => copy(location.href, $("link")));
    on("weights", "click", () => this.save());
    addEventListener("hashchange", () => this.open(location.hash));
    addEventListener("resize", () => { this.diagram.build(this.net); this.show(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.palette = null; this.show(); });
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", async (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) this.csv(await file.text());
    });
  }

  key(event) {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const here = this.cursor ?? [0, 0];
    if (move) this.cursor = here.map((v, i) => Math.max(-REACH, Math.min(REACH, v + 0.1 * move[i])));
    else if (event.key === "Enter" || event.key === " ") this.tap(here);
    else return;
    event.preventDefault();
    this.show();
  }

  setWeight(value) {
    const { map, from, to } = this.selected;
    if (!map || !Number.isFinite(value)) return;
    const [array, at] = map.weight(to, from);
    this.model.state[array][at] = value;
    this.training.measure();
    this.show();
  }

  python() {
    $("program").querySelector("code").textContent = program(this.chosen, this.data, this.net, this.training.first);
    $("program").showModal();
  }

  save() {
    const text = JSON.stringify({ settings: this.settings, step: this.training.step, loss: this.training.last.loss, parameters: parameters(this.net, this.model.state) }, null, 1);
    const link = node("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: "weights.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** An interval of slopes on a line of numbers, with the chosen one. */
function kinkPicture({ of, interval: [low, high], chosen }) {
  const from = Math.min(low, 0) - 0.5, to = Math.max(high, 0) + 0.5;
  const at = (v) => `${(100 * (v - from)) / (to - from)}%`;
  const figure = node("figure", { className: "kink" });
  const line = node("div", { className: "line" });
  const bar = node("span", { className: "interval" });
  Object.assign(bar.style, { left: at(low), right: `calc(100% - ${at(high)})` });
  const dot = node("span", { className: "dot" });
  dot.style.left = at(chosen);
  line.append(bar, dot);
  figure.append(line, node("figcaption", { textContent: `A kink: every slope of ${of} in [${shown(low)}, ${shown(high)}] is right. The one of least norm is taken, ${shown(chosen)}.` }));
  return figure;
}

/** The colours of the style sheet, as numbers where they are mixed. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const text = (name) => style.getPropertyValue(`--${name}`).trim();
  const numbers = (name) => [1, 3, 5].map((i) => parseInt(text(name).slice(i, i + 2), 16));
  return {
    ink: text("ink"), muted: text("muted"), rule: text("rule"), paper: text("raised"), bound: text("bound"),
    low: numbers("low"), high: numbers("high"), neutral: numbers("neutral"),
    classes: [1, 2, 3, 4, 5, 6].map((i) => numbers(`class${i}`)), layers: [1, 2, 3, 4].map((i) => text(`layer${i}`)),
  };
}
