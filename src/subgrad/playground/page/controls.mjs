import { node } from "./elements.mjs";
import { inUse, lossesFor, parsed, SETTINGS } from "./settings.mjs";

/** A control for each setting, in groups; `changed(name, value)` is called when a reader has chosen. */
export class Controls {
  constructor(form, changed) {
    this.inputs = {};
    const groups = new Map();
    for (const [name, setting] of Object.entries(SETTINGS)) {
      const input = setting.of ? choice(setting) : amount(setting);
      input.id = `set-${name}`;
      input.addEventListener("change", () => {
        const value = parsed(name, input.value);
        if (value !== undefined) changed(name, value);
        input.value = this.shown[name];
      });
      const label = node("label", { htmlFor: input.id, textContent: setting.label });
      const line = node("div", { className: "setting" });
      line.append(label, input);
      this.inputs[name] = { input, line };
      if (!groups.has(setting.group)) groups.set(setting.group, []);
      groups.get(setting.group).push(line);
    }
    for (const [title, lines] of groups) {
      const set = node("fieldset");
      set.append(node("legend", { textContent: title }), ...lines);
      form.append(set);
    }
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Shows the settings, and of what can be chosen that alone which means something now. */
  show(settings, kind, given) {
    this.shown = settings;
    const used = inUse(settings), losses = lossesFor(kind);
    for (const [name, { input, line }] of Object.entries(this.inputs)) {
      line.hidden = used[name] === false;
      for (const option of input.options ?? []) {
        const { value } = option;
        const fromPython = given && (name === "net" || settings.net === "given");
        const needs = { own: settings.data === "own", hand: kind === "signs", given: fromPython };
        option.hidden = option.disabled = needs[value] === false || (name === "loss" && !losses.includes(value));
      }
      input.value = settings[name];
    }
  }
}

function choice({ of }) {
  const input = node("select");
  const values = Object.keys(of).sort((a, b) => Number(a === "all") * -1 + Number(b === "all") || 0);
  input.append(...values.map((value) => node("option", { value, textContent: of[value] })));
  return input;
}

function amount({ from, to, by, whole }) {
  const step = by ?? (whole ? 1 : "any");
  return node("input", { type: "number", min: from, max: to, step, inputMode: whole ? "numeric" : "decimal" });
}
