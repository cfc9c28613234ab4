// The data of the page, the numbers as text, and small pieces of the document. Text from data is only ever textContent,
// or goes through `plain` where plotly would read tags.
const DATA = JSON.parse(document.getElementById("data").textContent);
const MISSING = "–";
const NARROW = 700; // pixels; below, panels stand below one another

const records = ({ columns, rows }) =>
  rows.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place]])));
const POINTS = records(DATA.points);
const CELLS = records(DATA.cells);

// One formatter per number of decimals: making them anew is what is slow in thousands of numbers.
const FORMATS = new Map();
function fixed(value, least, most) {
  const key = `${least} ${most}`;
  if (!FORMATS.has(key)) FORMATS.set(key, new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most }));
  return FORMATS.get(key).format(value);
}

function significant(value, digits = 3) {
  if (value === null || value === undefined) return MISSING;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e9) return value.toExponential(digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return fixed(value, decimals, decimals);
}
const percent = (value, digits = 3) => (value === null || value === undefined ? MISSING : `${significant(100 * value, digits)}%`);
const count = (value) =>
  value === null || value === undefined
    ? MISSING
    : fixed(value, 0, Number.isInteger(value) || value >= 1000 ? 0 : 1);
function parameter(value) {
  if (value === null) return MISSING;
  if (Number.isInteger(value)) return fixed(value, 0, 0);
  return Math.abs(value) < 1e-3 ? Number(value.toPrecision(6)).toExponential() : String(Number(value.toPrecision(6)));
}
function seconds(value) {
  if (value === null) return MISSING;
  if (value === 0 || value >= 1) return `${significant(value)} s`;
  return value >= 1e-3 ? `${significant(value * 1e3)} ms` : `${significant(value * 1e6)} µs`;
}
const pointName = (row) =>
  row.lam !== null ? `λ = ${parameter(row.lam)}` : row.budget !== null ? `budget ${parameter(row.budget)}` : MISSING;

// Text that plotly shows as itself: it would obey tags.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

// Not Math.min(...values): that has a limit on how many.
const least = (values) => values.reduce((low, value) => Math.min(low, value), Infinity);
const greatest = (values) => values.reduce((high, value) => Math.max(high, value), -Infinity);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Radio buttons in one frame; `options` are [value, text].
function segments(name, title, options, chosen, changed) {
  const labels = options.map(([value, text]) => {
    const input = element("input", { type: "radio", name, value, checked: value === chosen });
    input.addEventListener("change", () => changed(value));
    return element("label", {}, input, text);
  });
  return element("fieldset", { className: "control" }, element("legend", {}, title), element("div", { className: "segments" }, ...labels));
}

function chooser(name, title, options, chosen, changed) {
  const select = element("select", { name, id: `choose-${name}` });
  select.append(...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  select.addEventListener("change", () => changed(select.value));
  return element("div", { className: "control" }, element("label", { className: "name", htmlFor: select.id }, title), select);
}

function ticks(title, boxes) {
  const labels = boxes.map(([name, text, on, changed]) => {
    const input = element("input", { type: "checkbox", name, checked: on });
    input.addEventListener("change", () => changed(input.checked));
    return element("label", {}, input, text);
  });
  return element("fieldset", { className: "control" }, element("legend", {}, title), element("div", { className: "ticks" }, ...labels));
}

function refill(id, ...children) {
  document.getElementById(id).replaceChildren(...children.filter((child) => child !== null));
}
