// Puts the page together: controls of the frontier chart, then everything that follows the chosen part.
function drawPartControls() {
  const problems = [...new Set(DATA.parts.map((part) => part.problem))];
  const chosen = DATA.parts[view.part];
  const choose = (place) => {
    view.part = place;
    drawPartControls();
    drawPart();
  };
  const first = (problem) => DATA.parts.findIndex((part) => part.problem === problem);
  const designs = DATA.parts.flatMap((part, place) => (part.problem === chosen.problem ? [[String(place), part.name]] : []));
  const few = problems.join("").length < 90;
  const problem = problems.map((name) => [String(first(name)), name]);
  refill(
    "part-controls",
    problems.length < 2 ? null : (few ? segments : chooser)("problem", "Problem", problem, String(first(chosen.problem)), (value) => choose(Number(value))),
    designs.length < 2 ? null : (designs.length < 8 ? segments : chooser)("heldout", "Held-out targets", designs, String(view.part), (value) => choose(Number(value))),
  );
}

function drawChartControls() {
  const set = (name) => (value) => {
    view[name] = value;
    drawFrontier();
  };
  const metrics = Object.keys(DATA.quantities).filter((name) => POINTS.some((row) => row[name][0] !== null));
  const refits = [["all", "all"], ...DATA.refits.map((refit, place) => [String(place), refit.name])];
  refill(
    "chart-controls",
    segments("metric", "Against", metrics.map((name) => [name, DATA.quantities[name].short]), view.metric, set("metric")),
    DATA.refits.length > 1 ? segments("refit", "Weights", DATA.refits.length > 2 ? refits : [["all", "both"], ...refits.slice(1)], view.refit, set("refit")) : null,
    DATA.labels.some((label) => !label.compared) ? segments("coloured", "In colour", [["compared", DATA.opened.declared ? "those compared" : "the first"], ["all", "all methods"]], view.coloured, (value) => { view.coloured = value; drawLegend(); drawFrontier(); }) : null,
  );
  refill(
    "drawing-controls",
    segments("shown", "Points", [["mean", "means"], ["seeds", "every seed"]], view.shown, set("shown")),
    segments("bars", "Bars", [["range", "range"], ["error", "± standard error"]], view.bars, set("bars")),
    ticks("Logarithmic", [["logx", "records", view.logx, set("logx")], ["logy", "error", view.logy, set("logy")]]),
  );
}

function drawPart() {
  drawLegend();
  drawFrontier();
  drawMisses();
  drawTraces();
}

function drawTables() {
  for (const container of document.querySelectorAll("[data-table]")) {
    const { name, columns, rows } = DATA.tables[Number(container.dataset.table)];
    const spec = columns.map((column, place) => ({
      title: column.title,
      kind: column.kind,
      value: (row) => row[place],
      filter: column.kind === "text" && new Set(rows.map((row) => row[place])).size <= 30,
    }));
    dataTable(container, name, spec, rows);
  }
}

if (DATA.parts.length) {
  drawPartControls();
  drawChartControls();
  drawPart();
  drawResults();
} else {
  for (const id of ["chart", "family-map", "result-table", "trace-chart"])
    refill(id, element("p", { className: "empty" }, "No cells: nothing was run."));
}
drawTables();
for (const fold of document.querySelectorAll("details.fold")) fold.addEventListener("toggle", () => fold.open && DATA.parts.length && drawTraces()); // charts have no width while folded
const unfold = () => {
  const wanted = window.location.hash ? document.getElementById(decodeURIComponent(window.location.hash.slice(1))) : null;
  const fold = wanted && wanted.closest("details.fold");
  if (fold) (fold.open = true), wanted.scrollIntoView();
};
window.addEventListener("hashchange", unfold);
unfold();

let width = window.innerWidth;
let waiting = 0;
window.addEventListener("resize", () => {
  if (window.innerWidth === width || !DATA.parts.length) return;
  width = window.innerWidth;
  window.clearTimeout(waiting);
  waiting = window.setTimeout(() => {
    drawFrontier();
    drawTraces();
  }, 150);
});
document.documentElement.dataset.ready = "true";
