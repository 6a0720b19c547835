/** An element of the page by its id. */
export const $ = (id) => document.getElementById(id);

/** A new element with properties and children. */
export function node(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Writes a text where another one stands; what stays the same costs nothing. */
export function tell(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/** Puts children in the place of others, unless their texts are the same. */
export function replace(element, children) {
  const text = children.map((c) => c.textContent).join("\n");
  if (element.shown === text) return;
  element.shown = text;
  element.replaceChildren(...children);
}

/** Copies a text, and says so on the button for a moment. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** Offers a text as a file. */
export function save(text, name) {
  const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  node("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

/** The colours of the style sheet, as numbers where they are mixed. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const text = (name) => style.getPropertyValue(`--${name}`).trim();
  const numbers = (name) => [1, 3, 5].map((i) => parseInt(text(name).slice(i, i + 2), 16));
  return {
    ink: text("ink"), muted: text("muted"), rule: text("rule"), paper: text("raised"), bound: text("bound"),
    low: numbers("low"), high: numbers("high"), neutral: numbers("neutral"),
    classes: [1, 2, 3, 4, 5, 6].map((i) => numbers(`class${i}`)), layers: [1, 2, 3, 4].map((i) => text(`layer${i}`)),
  };
}
