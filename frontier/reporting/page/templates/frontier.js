// The frontier chart: one panel per kind of refit, means over seeds with bars, or every seed.
const SYMBOLS = { o: "circle", s: "square", "^": "triangle-up", D: "diamond", v: "triangle-down", P: "cross", X: "x", p: "pentagon" };
const DASHES = { "-": "solid", "--": "dash", "-.": "dashdot", ":": "dot" };
const LINES = { dashed: "dash", dashdotted: "longdashdot", dotted: "dot" };
const ROUNDING = 1e-9; // a standard error of equal numbers
const GREY = "#59626c";
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const CONFIG = { displaylogo: false, responsive: true, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };

const view = {
  part: DATA.opened.part,
  refit: String(DATA.opened.refit),
  metric: DATA.opened.metric,
  coloured: "compared",
  others: false,
  shown: "mean",
  bars: "error",
  logx: true,
  logy: true,
  hidden: new Set(),
};

// Methods that are not compared stand behind, in grey, until all are wanted in colour.
const OTHERS = "#a9b2bc";
const isBehind = (label) => view.coloured === "compared" && !label.compared;
const colourOf = (label) => (isBehind(label) ? OTHERS : label.colour);

const hasBars = (row) => view.shown === "mean" && row.n_with_weights > 1;

// From where to where the bar of one quantity runs.
function barOf(row, name) {
  const [mean, low, high, error] = row[name];
  if (!hasBars(row)) return [mean, mean];
  return view.bars === "range" ? [low, high] : [mean - (error ?? 0), mean + (error ?? 0)];
}

// What an axis must show of the bars; one that reaches 0 ends at the edge of a log axis.
const barEnds = (row) =>
  [0, 1].map((end) => ["n_active", view.metric].map((name) => (barOf(row, name)[end] > 0 ? barOf(row, name)[end] : row[name][0])));

function certificate(row) {
  if (row.certified === null) return "no certificate";
  const gap = row.gap === null ? "" : `, gap ${row.gap.toExponential(1)}`;
  return `certificate ${["refused", "refused for some", "confirmed"][row.certified]}${gap}`;
}

function hover(row, isMean) {
  const label = `<b>${plain(DATA.labels[row.label].name)}</b> · ${plain(DATA.refits[row.refit].name)}`;
  const of = isMean
    ? `mean of ${row.n_with_weights} ${row.n_with_weights === 1 ? "cell" : "cells"}${row.n_seeds ? `, ${row.n_seeds} seeds` : ""}`
    : `${plain(DATA.parts[row.part].name)}, ${row.seed === null ? "no seed" : `seed ${row.seed}`}`;
  const lines = [label, `${pointName(row)}, ${of}`];
  const told = (name, show, title) => {
    if (!isMean) return `${title} ${show(row[name])}`;
    const [mean, low, high, error] = row[name];
    const range = low !== null && low !== high ? ` (${show(low)} to ${show(high)})` : "";
    return `${title} ${show(mean)}${error !== null && error > ROUNDING * Math.abs(mean) ? ` ± ${show(error)}` : ""}${range}`;
  };
  lines.push(told("n_active", count, "k ="));
  for (const name of ["heldout_mare", "heldout_capped_mare", "train_mare"]) {
    if ((isMean ? row[name][0] : row[name]) !== null) lines.push(told(name, percent, DATA.quantities[name].short));
  }
  lines.push(told("ess", count, "ESS"), `status ${plain(row.status)}`, certificate(row));
  lines.push(`${seconds(row.seconds)} ${plain(row.timing)}`);
  return lines.join("<br>");
}

// Positions on a log axis: 0 stands in a strip left of what is positive, tiny errors at the smallest that is told apart.
function axisOf(values, isLog, smallest) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  if (!isLog) {
    const high = Math.max(0, greatest(known)) * 1.05 || 1;
    return { type: "linear", range: [Math.min(0, least(known)) - 0.03 * high, high], place: (value) => value, zero: null };
  }
  const positive = known.map((value) => Math.max(value, smallest)).filter((value) => value > 0);
  let low = positive.length ? Math.log10(least(positive)) : 0;
  let high = positive.length ? Math.log10(greatest(positive)) : 1;
  if (high - low < 0.1) [low, high] = [low - 0.1, high + 0.1];
  const pad = 0.05 * (high - low);
  [low, high] = [low - pad, high + pad];
  let zero = null;
  let edge = null;
  if (smallest === 0 && known.some((value) => value === 0)) {
    edge = low;
    low -= 0.09 * (high - low);
    zero = 10 ** ((low + edge) / 2);
  }
  return { type: "log", range: [low, high], place: (value) => (value === 0 && zero !== null ? zero : Math.max(value, smallest)), zero, edge };
}

function logTicks(low, high, most) {
  const [first, last] = [Math.floor(low), Math.ceil(high)];
  for (const [steps, stride] of [[[1, 1.5, 2, 3, 5, 7], 1], [[1, 2, 5], 1], [[1], 1], [[1], 2], [[1], 3], [[1], 4]]) {
    const found = [];
    for (let power = first; power <= last; power += 1) {
      if (power % stride === 0) found.push(...steps.map((step) => step * 10 ** power));
    }
    const inside = found.filter((tick) => Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9);
    if (inside.length <= most) return inside.length > 1 ? inside : null;
  }
  return null;
}

function rowsShown(refit) {
  const fits = (row) => row.refit === refit && !view.hidden.has(row.label);
  const means = POINTS.filter((row) => row.part === view.part && fits(row) && row.n_with_weights > 0 && row[view.metric][0] !== null);
  const splits = DATA.parts[view.part].splits;
  const parts = new Set(
    DATA.parts.flatMap((part, place) =>
      part.problem === DATA.parts[view.part].problem && part.splits.length === 1 && splits.includes(part.splits[0]) ? [place] : [],
    ),
  );
  const cells =
    view.shown === "mean" ? [] : CELLS.filter((row) => parts.has(row.part) && fits(row) && row.n_active !== null && row[view.metric] !== null);
  return { means, cells };
}

function panelRefits() {
  const there = DATA.refits.map((_, place) => place).filter((place) => POINTS.some((row) => row.part === view.part && row.refit === place));
  return view.refit === "all" || !there.includes(Number(view.refit)) ? there : [Number(view.refit)];
}

// Horizontal and vertical lines to read the points against, with what they are; only the first of several is named.
const referencesOf = (part) =>
  part.references
    .filter((line) => line.quantity === view.metric || line.quantity === "n_active")
    .flatMap((line) => line.values.map((value, place) => ({ value, text: place ? "" : line.text, dash: LINES[line.dashes], vertical: line.quantity === "n_active" })));

function drawFrontier() {
  const part = DATA.parts[view.part];
  const metric = DATA.quantities[view.metric];
  const refits = panelRefits();
  const shown = refits.map(rowsShown);
  const chart = document.getElementById("chart");
  const narrow = chart.clientWidth < NARROW;
  const all = shown.flatMap(({ means, cells }) => [
    ...means.flatMap((row) => [[row.n_active[0], row[view.metric][0]], ...barEnds(row)]),
    ...cells.map((row) => [row.n_active, row[view.metric]]),
  ]);
  document.getElementById("chart-caption").textContent =
    `${part.problem}, ${part.name}: active records against ${metric.title}` + (part.records ? ` (${count(part.records)} records in all)` : "");
  if (!all.length) {
    Plotly.purge(chart);
    chart.replaceChildren(element("p", { className: "empty" }, "Nothing to draw: no shown cell has this quantity."));
    return;
  }
  if (chart.querySelector(".empty")) chart.replaceChildren();
  const references = referencesOf(part);
  const x = axisOf(all.map((pair) => pair[0]), view.logx, 0);
  const y = axisOf(
    [...all.map((pair) => pair[1]), ...references.filter((line) => !line.vertical).map((line) => line.value)],
    view.logy,
    metric.is_error ? DATA.least_error : 0,
  );
  const stacked = narrow || refits.length === 1;
  const height = stacked ? refits.length * (narrow ? 360 : 470) : 500;
  const named = !narrow && refits.length === 1;
  const layout = {
    height,
    margin: { l: narrow ? 52 : 66, r: named ? 190 : 12, t: refits.length > 1 ? 30 : 14, b: 50 },
    font: { family: FONT, size: narrow ? 11 : 13, color: "#1c2530" },
    paper_bgcolor: "#fff",
    plot_bgcolor: "#fff",
    showlegend: false,
    hovermode: "closest",
    hoverlabel: { bgcolor: "#fff", bordercolor: "#8a94a0", align: "left", font: { family: FONT, size: 12.5, color: "#1c2530" } },
    shapes: [],
    annotations: [],
    dragmode: "zoom",
  };
  const traces = [];
  refits.forEach((refit, place) => {
    const number = place ? String(place + 1) : "";
    const gap = stacked ? 0.075 : 0.03;
    const share = (1 - gap * (refits.length - 1)) / refits.length;
    const span = [place * (share + gap), place * (share + gap) + share];
    const domains = stacked ? [[0, 1], [1 - span[1], 1 - span[0]]] : [span, [0, 1]];
    const axis = (which, other, domain, title) => {
      const ticksAt = which.type === "log" ? logTicks(which.edge ?? which.range[0], which.range[1], narrow ? 5 : stacked ? 10 : 7) : null;
      const isError = other === "y" && metric.is_error;
      const values = ticksAt && [...(which.zero === null ? [] : [which.zero]), ...ticksAt];
      return {
        type: which.type, range: which.range, domain, anchor: `${other === "x" ? "y" : "x"}${number}`,
        title: { text: title, standoff: 8 }, gridcolor: "#e9ecef", zeroline: false, linecolor: "#8a94a0", showline: true,
        ticks: "outside", tickcolor: "#8a94a0", ticklen: 4, exponentformat: "power", automargin: other === "y",
        ...(values
          ? { tickvals: values, ticktext: values.map((value) => (value === which.zero ? "0" : isError ? tickPercent(value) : count(value))) }
          : { tickformat: isError ? ",.3~%" : "," }),
      };
    };
    const first = place === 0 || stacked;
    layout[`xaxis${number}`] = axis(x, "x", domains[0], !stacked || place === refits.length - 1 ? "active records" : "");
    layout[`yaxis${number}`] = axis(y, "y", domains[1], first ? metric.title : "");
    if (place) Object.assign(layout[`xaxis${number}`], { matches: "x" }), Object.assign(layout[`yaxis${number}`], { matches: "y" });
    if (!first) layout[`yaxis${number}`].showticklabels = false;
    if (refits.length > 1) {
      layout.annotations.push({
        text: `<b>${plain(DATA.refits[refit].name)}</b>`, showarrow: false, x: 0, xref: `x${number} domain`, xanchor: "left",
        y: 1, yref: `y${number} domain`, yanchor: "bottom", yshift: 3,
      });
    }
    if (x.edge !== null && x.edge !== undefined)
      layout.shapes.push({ type: "rect", layer: "below", line: { width: 0 }, fillcolor: "#f1f3f5", xref: `x${number}`, yref: `y${number} domain`, x0: 10 ** x.range[0], x1: 10 ** x.edge, y0: 0, y1: 1 });
    const axes = { xaxis: `x${number}`, yaxis: `y${number}` };
    traces.push(...referenceTraces(references, x, y, axes, layout), ...methodTraces(shown[place], x, y, axes));
    if (named) layout.annotations.push(...endNames(shown[place].means, x, y));
  });
  Plotly.react(chart, traces, layout, CONFIG);
  const lost = POINTS.filter((row) => row.part === view.part && refits.includes(row.refit)).reduce((sum, row) => sum + row.n_cells - row.n_with_weights, 0);
  const bars = view.shown === "mean" ? (view.bars === "range" ? "Bars run from the lowest to the highest seed or fold." : "Bars are one standard error over seeds and folds.") : "Every small marker is one seed on one split; lines join the means.";
  document.getElementById("chart-note").textContent =
    `${bars} Hollow: not converged, refused by its certificate, or off its budget, for at least one seed.` +
    (x.zero !== null ? " The shaded strip holds points without any active record." : "") +
    (lost ? ` Not drawn: ${count(lost)} cells without weights (see the status in the results).` : "");
}

const tickPercent = (value) => (value >= 1000 ? `10${superscript(Math.log10(value) + 2)}%` : `${Number((100 * value).toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 })}%`);
const superscript = (power) => (Number.isInteger(Math.round(power * 1e6) / 1e6) ? `<sup>${Math.round(power)}</sup>` : `<sup>${power.toFixed(1)}</sup>`);

// Lines as traces below the methods, and their names as annotations, which stand on white.
function referenceTraces(references, x, y, axes, layout) {
  const ends = (axis) => axis.range.map((end) => (axis.type === "log" ? 10 ** end : end));
  const [[left, right], [low, high]] = [ends(x), ends(y)];
  const at = (axis, value) => (axis.type === "log" ? Math.log10(value) : value);
  const line = (xs, ys, dash) => ({ x: xs, y: ys, mode: "lines", hoverinfo: "skip", line: { color: GREY, width: 1.1, dash }, ...axes });
  const named = (text, place) => {
    if (text) layout.annotations.push({ text, showarrow: false, bgcolor: "rgba(255,255,255,0.8)", borderpad: 1, font: { size: 11, color: GREY }, ...place });
  };
  const traces = [];
  const start = x.type === "log" ? (x.edge ?? x.range[0]) : x.range[0];
  let last = null; // names of lines close to one another stand on either side
  for (const { value, text, dash } of references.filter((one) => !one.vertical && one.value >= low).sort((a, b) => b.value - a.value)) {
    const height = (at(y, y.place(value)) - y.range[0]) / (y.range[1] - y.range[0]);
    const below = last !== null && last - height < 0.05;
    last = height;
    traces.push(line([left, right], [y.place(value), y.place(value)], dash));
    named(text, { xref: axes.xaxis, x: start, xanchor: "left", xshift: 4, yref: axes.yaxis, y: at(y, y.place(value)), yanchor: below ? "top" : "bottom" });
  }
  for (const { value, text, dash } of references.filter((one) => one.vertical && one.value > left && one.value < right)) {
    const onRight = at(x, value) > (x.range[0] + x.range[1]) / 2;
    traces.push(line([value, value], [low, high], dash));
    named(text, { xref: axes.xaxis, x: at(x, value), xanchor: onRight ? "right" : "left", yref: `${axes.yaxis} domain`, y: 1, yanchor: "top" });
  }
  if (view.metric === "ess") {
    const [from, to] = [Math.max(left, low), Math.min(right, high)];
    traces.push(line([from, to], [from, to], "dash"));
    named("equal weights: ESS = records", { xref: axes.xaxis, x: at(x, to), xanchor: "right", xshift: -10, yref: axes.yaxis, y: at(y, to), yanchor: "top" });
  }
  return traces;
}

// The names of the compared methods at the ends of their lines, moved apart where they would cover one another.
function endNames(means, x, y) {
  const at = (axis, value) => (axis.type === "log" ? Math.log10(value) : value);
  const ends = DATA.labels.flatMap((label, number) => {
    const rows = label.compared ? means.filter((row) => row.label === number && row.n_active[0] > 0) : [];
    if (!rows.length) return [];
    const last = rows.reduce((far, row) => (row.n_active[0] > far.n_active[0] ? row : far));
    const height = (at(y, y.place(last[view.metric][0])) - y.range[0]) / (y.range[1] - y.range[0]);
    return [{ label, height: Math.min(1, Math.max(0, height)) }];
  });
  ends.sort((a, b) => a.height - b.height);
  const step = 0.085; // of the height: two lines of text
  ends.forEach((end, place) => (end.height = Math.max(end.height, place ? ends[place - 1].height + step : 0)));
  const highest = 1 - step; // below plotly's buttons
  for (let place = ends.length - 1, most = highest; place >= 0; place -= 1, most = ends[place + 1].height - step) ends[place].height = Math.min(ends[place].height, most);
  return ends.map(({ label, height }) => ({
    text: wrapped(label.name).map(plain).join("<br>"), showarrow: false, align: "left", font: { size: 12, color: label.colour },
    xref: "paper", x: 1, xanchor: "left", xshift: 8, yref: "paper", y: height, yanchor: "middle",
  }));
}

// A name in lines of some 26 characters, two at most.
function wrapped(name) {
  if (name.length <= 26) return [name];
  const cut = name.lastIndexOf(" ", 26) > 8 ? name.lastIndexOf(" ", 26) : 26;
  const rest = name.slice(cut).trim();
  return [name.slice(0, cut), rest.length > 28 ? `${rest.slice(0, 27)}…` : rest];
}

function methodTraces({ means, cells }, x, y, axes) {
  const traces = [];
  const floorX = x.type === "log" ? 10 ** (x.edge ?? x.range[0]) : 0;
  const floorY = y.type === "log" ? 10 ** y.range[0] : 0;
  const order = DATA.labels.map((label, number) => [label, number]).sort((a, b) => Number(!isBehind(a[0])) - Number(!isBehind(b[0])));
  order.forEach(([label, number]) => {
    const rows = means.filter((row) => row.label === number);
    if (!rows.length) return;
    const colour = colourOf(label);
    const look = { color: colour, symbol: SYMBOLS[label.marker] };
    const step = (row) => (row.budget === null ? (row.lam === null ? 2 : 1) : 0);
    rows.sort((a, b) => step(a) - step(b) || (a.budget ?? a.lam ?? 0) - (b.budget ?? b.lam ?? 0));
    const joined = []; // a null between what no line should join
    rows.forEach((row, place) => {
      const last = rows[place - 1];
      if (last && (step(row) === 2 || step(row) !== step(last) || (row.n_active[0] === 0) !== (last.n_active[0] === 0))) joined.push(null);
      joined.push(row);
    });
    const bar = (name, axis, floor) => {
      const ends = joined.map((row) => {
        if (row === null) return [0, 0];
        const at = axis.place(row[name][0]);
        const [from, to] = barOf(row, name);
        return [Math.max(0, at - Math.max(from, floor)), Math.max(0, to - at)];
      });
      return { type: "data", symmetric: false, arrayminus: ends.map((end) => end[0]), array: ends.map((end) => end[1]), color: colour, thickness: 1.1, width: 0 };
    };
    const isMean = view.shown === "mean";
    traces.push({
      name: plain(label.name), x: joined.map((row) => row && x.place(row.n_active[0])), y: joined.map((row) => row && y.place(row[view.metric][0])),
      mode: isMean ? "lines+markers" : "lines", opacity: isMean ? 1 : 0.45, line: { color: colour, dash: DASHES[label.linestyle], width: isBehind(label) ? 1 : 1.9 },
      cliponaxis: false, text: joined.map((row) => (row ? hover(row, true) : "")), hovertemplate: "%{text}<extra></extra>",
      ...(isMean ? { error_x: bar("n_active", x, floorX), error_y: bar(view.metric, y, floorY) } : { hoverinfo: "skip" }),
      marker: { ...look, size: isBehind(label) ? 6 : 8.5, symbol: joined.map((row) => look.symbol + (row && row.n_hollow ? "-open" : "")), line: { width: joined.map((row) => (row && row.n_hollow ? 1.6 : 0.7)), color: joined.map((row) => (row && row.n_hollow ? colour : "#fff")) } },
      ...axes,
    });
    const some = cells.filter((row) => row.label === number);
    if (some.length)
      traces.push({
        x: some.map((row) => x.place(row.n_active)), y: some.map((row) => y.place(row[view.metric])), mode: "markers", opacity: 0.75,
        text: some.map((row) => hover(row, false)), hovertemplate: "%{text}<extra></extra>", name: plain(label.name),
        marker: { ...look, size: 6, symbol: some.map((row) => look.symbol + (row.hollow ? "-open" : "")) },
        ...axes,
      });
  });
  return traces;
}
