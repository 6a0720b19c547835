import { data } from "./toy_data.mjs";

const MOST_ROWS = 500;
const MISSING = ["?", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null", "None", "NaT", "\\N"];

/** The rows of a text of comma, semicolon or tab separated values, quotes as usual; and the names of its columns. */
export function readCsv(text) {
  const [head] = text.split(/\r\n|\r|\n/, 1), often = (separator) => head.split(separator).length;
  const separator = [",", ";", "\t"].reduce((best, s) => (often(s) > often(best) ? s : best));
  const rows = [[]];
  let field = "", quoted = false;
  const endField = () => { rows.at(-1).push(valueOf(field.trim(), separator)); field = ""; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') { field += c; i++; } else quoted = false;
    } else if (c === '"' && field.trim() === "") quoted = true;
    else if (c === separator) endField();
    else if (c === "\n" || (c === "\r" && text[i + 1] !== "\n")) {
      endField();
      rows.push([]);
    } else if (c !== "\r") field += c;
  }
  endField();
  const full = rows.filter((r) => r.some((v) => v !== ""));
  const named = full.length > 1 && full[0].some((v, j) => !isNumber(v) && isNumber(full[1][j]));
  const names = (full[0] ?? []).map((v, j) => (named && v) || `column ${j + 1}`);
  return { names, rows: named ? full.slice(1) : full };
}

/** A field as it is meant: nothing if it is a word for that, a number with a point where commas part no columns. */
function valueOf(text, separator) {
  if (MISSING.includes(text)) return "";
  return separator !== "," && /^[-+]?\d*,\d+(e[-+]?\d+)?$/i.test(text) ? text.replace(",", ".") : text;
}

/** Without columns that have no value in any row, such as those of commas at the ends of lines. */
export function withoutEmpty({ names, rows }) {
  const kept = names.map((_, j) => j).filter((j) => rows.some((r) => (r[j] ?? "") !== ""));
  return { names: kept.map((j) => names[j]), rows: rows.map((r) => kept.map((j) => r[j] ?? "")) };
}

const TRUTH = { true: "1", false: "0" };
const numberOf = (text) => TRUTH[text.toLowerCase()] ?? text;
const isNumber = (text) => text !== undefined && text !== "" && Number.isFinite(Number(numberOf(text)));

/**
 * Data from a table whose column `target` is to be learnt from those with numbers: two of them as they are, more by
 * their two principal components. Throws an Error that says what is missing.
 */
export function fromTable({ names, rows }, target, mostClasses) {
  if (!names.length) throw new Error("expected rows of numbers, got nothing");
  const numeric = (j) => rows.every((r) => isNumber(r[j]) || r[j] === "");
  const mostly = (j) => rows.filter((r) => r[j] !== "").length * 2 >= rows.length;
  const columns = names.map((_, j) => j).filter((j) => j !== target && numeric(j) && mostly(j));
  const complete = rows.filter((r) => [...columns, target].every((j) => r[j] !== undefined && r[j] !== ""));
  const used = columns.filter((j) => new Set(complete.map((r) => r[j])).size > 1);
  if (used.length < 2) throw new Error(`expected two columns of numbers beside ${names[target]}, got ${used.length}`);
  if (complete.length < 2) throw new Error("expected two rows at least");
  const taken = thinned(complete);
  const scaled = used.map((j) => standardised(taken.map((r) => Number(numberOf(r[j])))));
  const [first, second] = used.length === 2 ? scaled : principal(scaled);
  const { kind, targets, labels } = targetsOf(taken.map((r) => r[target]), names[target], mostClasses);
  const largest = Math.max(...first.map(Math.abs), ...second.map(Math.abs), 1e-9);
  const points = taken.map((_, i) => [(1.3 * first[i]) / largest, (1.3 * second[i]) / largest, targets[i]]);
  const inputs = used.map((j) => names[j]), few = inputs.length > 9 ? [...inputs.slice(0, 8), "others"] : inputs;
  const about = `${taken.length} rows; ${names[target]} from ${few.join(", ")}`;
  const axes = used.length === 2 ? inputs : ["1st principal component", "2nd principal component"];
  return { ...data(points, kind, labels?.length), labels, axes, about };
}

/** One row of each stretch, at places that differ: every third row of classes in turn would have one class alone. */
function thinned(rows) {
  const count = Math.min(rows.length, MOST_ROWS), golden = (Math.sqrt(5) - 1) / 2;
  const begin = (i) => Math.floor((i * rows.length) / count);
  return Array.from({ length: count }, (_, i) => (
    rows[begin(i) + Math.floor(((i * golden) % 1) * (begin(i + 1) - begin(i)))]));
}

function targetsOf(values, name, mostClasses) {
  const numbers = values.every(isNumber);
  const labels = [...new Set(values)].sort(numbers ? (a, b) => numberOf(a) - numberOf(b) : undefined);
  if (numbers && labels.length > 6) {
    return { kind: "numbers", targets: standardised(values.map((v) => Number(numberOf(v)))) };
  }
  if (labels.length > mostClasses) {
    throw new Error(`expected ${mostClasses} classes at most, ${name} has ${labels.length}`);
  }
  if (labels.length < 2) throw new Error(`expected two classes at least, ${name} has one value only`);
  if (labels.length === 2) return { kind: "signs", labels, targets: values.map((v) => (v === labels[1] ? 1 : -1)) };
  return { kind: "classes", labels, targets: values.map((v) => labels.indexOf(v)) };
}

function standardised(given) {
  const largest = given.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
  const values = given.map((v) => v / largest); // whose squares are no infinities
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  return values.map((v) => (v - mean) / (deviation || 1));
}

/** The first two principal components of standardised columns, by power iteration and deflation. */
function principal(columns) {
  const n = columns[0].length;
  const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const spread = columns.map((a) => columns.map((b) => dot(a, b) / n));
  return [0, 1].map(() => {
    let direction = columns.map((_, j) => 1 + j / columns.length);
    for (let k = 0; k < 500; k++) {
      const next = spread.map((row) => dot(row, direction));
      const length = Math.sqrt(dot(next, next)) || 1;
      direction = next.map((v) => v / length);
    }
    const variance = dot(direction, spread.map((row) => dot(row, direction)));
    spread.forEach((row, i) => row.forEach((_, j) => { row[j] -= variance * direction[i] * direction[j]; }));
    return Array.from({ length: n }, (_, i) => direction.reduce((sum, d, j) => sum + d * columns[j][i], 0));
  });
}

/** Points as an address has them: x, y and target of each in so many parts of 1, in base 36. */
export const packed = (rows, parts) => (
  rows.map((r) => r.map((v) => Math.round(parts * v).toString(36)).join("_")).join("~"));

/** The data of an address; null if it has none, or others than it says. */
export function unpacked(text, kind, mostClasses, parts) {
  const rows = text.split("~").map((r) => r.split("_").map((v) => parseInt(v, 36) / parts)).slice(0, MOST_ROWS);
  const targets = rows.map((r) => r[2]), classes = Math.max(2, ...targets.map((t) => t + 1));
  const fits = {
    signs: (t) => t === 1 || t === -1, numbers: Number.isFinite,
    classes: (t) => Number.isInteger(t) && t >= 0 && t < mostClasses,
  }[kind];
  const right = fits && rows.every((r) => r.length === 3 && r.every(Number.isFinite)) && targets.every(fits);
  return right ? data(rows, kind, classes) : null;
}
