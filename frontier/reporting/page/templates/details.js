// What stands around the frontier chart: legend, results, worst misses, convergence, and the tables of other sections.
const SVG = "http://www.w3.org/2000/svg";
const MARKS = {
  o: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
  s: "M-3.7,-3.7h7.4v7.4h-7.4Z",
  "^": "M0,-4.6L4.6,3.6H-4.6Z",
  v: "M0,4.6L4.6,-3.6H-4.6Z",
  D: "M0,-5L5,0L0,5L-5,0Z",
  P: "M-1.6,-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3Z",
  X: "M-4.6,-2.4L-2.4,-4.6L0,-2.2L2.4,-4.6L4.6,-2.4L2.2,0L4.6,2.4L2.4,4.6L0,2.2L-2.4,4.6L-4.6,2.4L-2.2,0Z",
  p: "M0,-4.8L4.6,-1.5L2.8,3.9H-2.8L-4.6,-1.5Z",
};
const STROKES = { "-": "", "--": "6 3", "-.": "6 2 1.5 2", ":": "1.5 2" };

function swatch(label) {
  const svg = document.createElementNS(SVG, "svg");
  const shape = (tag, properties) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
    svg.append(made);
  };
  for (const [name, value] of Object.entries({ width: 36, height: 14, viewBox: "-18 -7 36 14", "aria-hidden": "true" })) svg.setAttribute(name, value);
  shape("line", { x1: -18, x2: 18, y1: 0, y2: 0, stroke: colourOf(label), "stroke-width": 1.8, "stroke-dasharray": STROKES[label.linestyle] });
  shape("path", { d: MARKS[label.marker], fill: colourOf(label), stroke: "#fff", "stroke-width": 0.8 });
  return svg;
}

function drawLegend() {
  const there = DATA.labels.map((_, place) => place).filter((place) => POINTS.some((row) => row.part === view.part && row.label === place));
  const redraw = () => {
    drawLegend();
    drawFrontier();
  };
  const buttons = there.map((place) => {
    const label = DATA.labels[place];
    const button = element("button", { type: "button", title: "click: show or hide; double click: show only this" }, swatch(label), element("span", {}, label.name));
    button.setAttribute("aria-pressed", String(!view.hidden.has(place)));
    button.dataset.label = place;
    button.addEventListener("click", (event) => {
      if (event.detail === 2) view.hidden = new Set(there.filter((other) => other !== place));
      else if (!view.hidden.delete(place)) view.hidden.add(place);
      redraw();
      document.querySelector(`#legend [data-label="${place}"]`).focus();
    });
    return button;
  });
  const every = (text, hidden) => {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      view.hidden = new Set(hidden);
      redraw();
    });
    return button;
  };
  const front = there.map((place) => DATA.labels[place].compared || view.coloured === "all");
  const others = buttons.filter((_, place) => !front[place]);
  const more = others.length ? element("details", { open: view.others }, element("summary", {}, `${others.length} other methods`), element("div", { className: "legend" }, ...others)) : null;
  if (more) more.addEventListener("toggle", () => (view.others = more.open));
  refill("legend", ...buttons.filter((_, place) => front[place]), there.length > 1 ? element("div", { className: "all" }, every("Show all", []), every("Hide all", there)) : null, more);
}

function resultColumns(isMean) {
  const mean = (name) => (isMean ? (row) => row[name][0] : (row) => row[name]);
  const rows = isMean ? POINTS : CELLS;
  const error = (name, title) => ({
    title, kind: "percent", value: mean(name),
    show: (row) => (isMean && row[name][3] > ROUNDING * row[name][0] ? `${percent(row[name][0])} ± ${percent(row[name][3], 2)}` : percent(mean(name)(row))),
  });
  const any = (name) => rows.some((row) => mean(name)(row) !== null);
  const columns = [
    { title: "Method", kind: "text", value: (row) => DATA.labels[row.label].name, filter: true },
    { title: "Problem", kind: "text", value: (row) => DATA.parts[row.part].problem, filter: true },
    { title: "Held out", kind: "text", value: (row) => DATA.parts[row.part].name, filter: true },
    { title: "Weights", kind: "text", value: (row) => DATA.refits[row.refit].name, filter: true },
    rows.some((row) => row.lam !== null) ? { title: "λ", kind: "parameter", value: (row) => row.lam } : null,
    rows.some((row) => row.budget !== null) ? { title: "Budget", kind: "parameter", value: (row) => row.budget } : null,
    isMean
      ? { title: "Seeds", kind: "count", value: (row) => row.n_seeds || null }
      : { title: "Seed", kind: "parameter", value: (row) => row.seed },
    { title: "Records", kind: "count", value: mean("n_active") },
    error("heldout_mare", "Held-out error"),
    error("heldout_capped_mare", "… capped"),
    error("train_mare", "Training error"),
    { title: "ESS", kind: "count", value: mean("ess") },
    { title: "Certificate", kind: "text", value: (row) => certificate(row).replace("certificate ", "").replace("no certificate", "none") },
    { title: "Status", kind: "text", value: (row) => row.status, filter: !isMean },
    { title: "Seconds", kind: "seconds", value: (row) => row.seconds, show: (row) => `${seconds(row.seconds)} ${row.timing}`.trim() },
  ];
  // a column that says the same in every row only takes room
  const varies = (column) => !["Problem", "Held out", "Weights"].includes(column.title) || new Set(rows.map(column.value)).size > 1;
  const empty = (column) => ["Held-out error", "… capped"].includes(column.title) && !any("heldout_mare");
  return columns.filter((column) => column && varies(column) && !empty(column));
}

function drawResults(isMean = true) {
  refill("result-controls", segments("rows", "One row is", [["mean", "the mean over seeds"], ["seeds", "one seed"]], isMean ? "mean" : "seeds", (value) => drawResults(value === "mean")));
  dataTable(document.getElementById("result-table"), "results", resultColumns(isMean), isMean ? POINTS : CELLS);
}

const MISSES = records(DATA.misses);
const FAMILY_ERRORS = records(DATA.family_errors);
const miss = { size: null, role: "0", refit: "0" };
const sizeName = (size) => `about ${count(size)}`;

function usualSize(part) {
  const sizes = DATA.sizes[part];
  const arms = (size) => new Set(FAMILY_ERRORS.filter((row) => row.part === part && row.size === size).map((row) => `${row.label} ${row.refit}`)).size;
  const most = greatest(sizes.map(arms));
  const best = sizes.filter((size) => arms(size) >= 0.8 * most);
  return best[Math.floor(best.length / 2)];
}

function drawMisses() {
  const part = DATA.parts[view.part].whole;
  if (!DATA.sizes[part]) {
    refill("miss-controls");
    refill("family-map");
    refill("miss-table", element("p", { className: "empty" }, "No estimates per target are stored with these results."));
    return;
  }
  if (!DATA.sizes[part].includes(miss.size)) miss.size = usualSize(part);
  const set = (name, convert) => (value) => {
    miss[name] = convert(value);
    drawMisses();
  };
  refill(
    "miss-controls",
    chooser("size", "Records", DATA.sizes[part].map((size) => [String(size), sizeName(size)]), String(miss.size), set("size", Number)),
    segments("role", "Targets", [["0", "held out"], ["1", "fitted"]], miss.role, set("role", String)),
    DATA.refits.length > 1 ? segments("miss-refit", "Weights", DATA.refits.map((refit, place) => [String(place), refit.name]), miss.refit, set("refit", String)) : null,
  );
  const fits = (row) => row.part === part && row.size === miss.size && row.role === Number(miss.role) && row.refit === Number(miss.refit);
  drawFamilies(FAMILY_ERRORS.filter(fits));
  const targets = new Map((DATA.targets[DATA.parts[part].problem] ?? []).map(([number, name, family, value]) => [number, { name, family, value }]));
  const target = (row) => targets.get(row.target);
  const signed = (value) => (value === null ? MISSING : `${value > 0 ? "+" : ""}${percent(value)}`.replace("-", "−"));
  dataTable(
    document.getElementById("miss-table"),
    "misses",
    [
      { title: "Method", kind: "text", value: (row) => DATA.labels[row.label].name, filter: true },
      { title: "λ or budget", kind: "text", value: pointName },
      { title: "Records", kind: "count", value: (row) => row.active },
      { title: "Family", kind: "text", value: (row) => target(row).family, filter: true },
      { title: "Target", kind: "text", value: (row) => target(row).name },
      { title: "Published value", kind: "number", value: (row) => target(row).value },
      { title: "Mean estimate", kind: "number", value: (row) => row.estimate },
      { title: "Mean error", kind: "percent", value: (row) => row.residual, show: (row) => signed(row.residual) },
      { title: "Mean |error|", kind: "percent", value: (row) => row.error },
    ],
    MISSES.filter(fits).sort((a, b) => b.error - a.error),
  );
}

// One row per arm, one column per family, from white (0) to dark blue (100%); the number stands in each cell.
function drawFamilies(rows) {
  if (!rows.length) {
    refill("family-map", element("p", { className: "empty" }, " No arm has as many records, or no target has this role."));
    return;
  }
  const families = [...new Set(rows.map((row) => row.family))].sort((a, b) => a - b);
  const labels = [...new Set(rows.map((row) => row.label))];
  const value = new Map(rows.map((row) => [`${row.label} ${row.family}`, row.error]));
  const mean = (label) => families.reduce((sum, family) => sum + (value.get(`${label} ${family}`) ?? 0), 0) / families.length;
  labels.sort((a, b) => mean(a) - mean(b));
  const cell = (label, family) => {
    const error = value.get(`${label} ${family}`);
    if (error === undefined || error === null) return element("td", { className: "none" }, MISSING);
    const share = Math.sqrt(Math.min(1, error));
    const shade = [255, 255, 255].map((white, place) => Math.round(white + share * ([8, 64, 129][place] - white)));
    const td = element("td", {}, error >= 0.0995 ? `${Math.round(100 * error)}%` : percent(error, 2));
    td.style.backgroundColor = `rgb(${shade.join(",")})`;
    td.style.color = share > 0.55 ? "#fff" : "#1c2530";
    return td;
  };
  const named = (label) => {
    const dot = element("span", { className: "swatch" });
    dot.style.backgroundColor = DATA.labels[label].colour;
    return element("th", { scope: "row" }, dot, DATA.labels[label].name);
  };
  const head = families.map((family) => element("th", { scope: "col" }, element("span", {}, DATA.families[family])));
  refill(
    "family-map",
    element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Method, smallest mean first"), ...head)), element("tbody", {}, ...labels.map((label) => element("tr", {}, named(label), ...families.map((family) => cell(label, family)))))),
  );
}

// Dark blue to yellow through grey: cividis, which reads the same to most colour-blind eyes.
const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55"];
const trace = { label: null, quantity: null };

function drawTraces() {
  const problem = DATA.parts[view.part].problem;
  const here = DATA.traces.filter((row) => row.problem === problem);
  const chart = document.getElementById("trace-chart");
  if (!here.length) {
    refill("trace-controls");
    Plotly.purge(chart);
    chart.replaceChildren(element("p", { className: "empty" }, "No traces are stored for this problem (a method records them when its experiment asks, as with trace_every)."));
    return;
  }
  if (chart.querySelector(".empty")) chart.replaceChildren();
  const labels = [...new Set(here.map((row) => row.label))];
  if (!labels.includes(trace.label)) trace.label = labels[0];
  const quantities = [...new Set(here.filter((row) => row.label === trace.label).map((row) => row.quantity))];
  if (!quantities.includes(trace.quantity)) trace.quantity = quantities.includes("loss") ? "loss" : quantities[0];
  const set = (name, convert) => (value) => {
    trace[name] = convert(value);
    drawTraces();
  };
  const words = (name) => name.replaceAll("_", " ");
  refill(
    "trace-controls",
    chooser("trace-label", "Method", labels.map((label) => [String(label), DATA.labels[label].name]), String(trace.label), set("label", Number)),
    chooser("trace-quantity", "Quantity", quantities.map((name) => [name, words(name)]), trace.quantity, set("quantity", String)),
  );
  const rows = here.filter((row) => row.label === trace.label && row.quantity === trace.quantity);
  const values = rows.flatMap((row) => row.y).filter((value) => value !== null);
  const isLog = values.some((value) => value > 0) && values.every((value) => value >= 0) && greatest(values) > 20 * least(values.filter((value) => value > 0));
  const colour = (place) => CIVIDIS[Math.round((place * (CIVIDIS.length - 1)) / Math.max(1, rows.length - 1))];
  const traces = rows.map((row, place) => ({
    x: row.x, y: row.y.map((value) => (isLog && value === 0 ? null : value)), mode: "lines", line: { color: colour(place), width: 1.8 }, name: pointName(row),
    hovertemplate: `${plain(pointName(row))}${row.seed === null ? "" : `, seed ${row.seed}`}<br>${plain(row.axis)} %{x:,}: %{y:.4~g}<extra></extra>`,
  }));
  const narrow = chart.clientWidth < NARROW;
  Plotly.react(
    chart,
    traces,
    {
      height: narrow ? 340 : 420, margin: { l: narrow ? 58 : 72, r: 12, t: 34, b: 50 }, showlegend: rows.length <= 12 && !narrow,
      font: { family: FONT, size: narrow ? 11 : 13, color: "#1c2530" }, hovermode: "closest",
      hoverlabel: { bgcolor: "#fff", bordercolor: "#8a94a0", font: { family: FONT, size: 12.5, color: "#1c2530" } },
      xaxis: { title: { text: plain(words(rows[0].axis)), standoff: 8 }, gridcolor: "#e9ecef", zeroline: false, showline: true, linecolor: "#8a94a0" },
      yaxis: { title: { text: plain(words(trace.quantity)), standoff: 8 }, type: isLog ? "log" : "linear", gridcolor: "#e9ecef", zeroline: false, showline: true, linecolor: "#8a94a0", exponentformat: "power", dtick: isLog ? 1 : undefined },
    },
    CONFIG,
  );
}
