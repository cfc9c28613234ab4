// A table that sorts by its headers, filters by words and by columns, and shows a page of rows at a time, so that
// thousands of rows cost no more than a few. Missing values stand last whichever way it is sorted.
const SHOW = { text: (value) => value ?? MISSING, percent, count, seconds, parameter, number: (value) => (Math.abs(value) >= 1e9 ? `${significant(value / 1e9, 4)} bn` : significant(value, 4)) };
const PAGE_ROWS = 25;

// `columns`: {title, value(row), kind, show(row)?, filter?}; `kind` is a key of SHOW.
function dataTable(container, name, columns, rows, sorted = null) {
  const state = { words: "", chosen: {}, column: sorted, descending: false, page: 0, rows: [] };
  const text = (row, column) => (column.show ? column.show(row) : SHOW[column.kind](column.value(row)));
  const searched = new Map();
  const words = (row) => {
    if (!searched.has(row)) searched.set(row, columns.map((column) => text(row, column)).join("\u0000").toLowerCase());
    return searched.get(row);
  };

  const total = element("span", { className: "count", "aria-live": "polite" });
  const search = element("input", { type: "search", id: `${name}-search`, placeholder: "words in any column" });
  search.addEventListener("input", () => update({ words: search.value.toLowerCase() }));
  const bar = element(
    "div",
    { className: "bar" },
    element("div", { className: "control" }, element("label", { className: "name", htmlFor: search.id }, "Filter"), search),
    ...columns.flatMap((column, place) => (column.filter ? [filterOf(column, place)] : [])),
    total,
  );
  function filterOf(column, place) {
    const values = [...new Set(rows.map((row) => text(row, column)))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    if (values.length < 2) return "";
    const options = [["", "all"], ...values.map((value) => [value, value])];
    return chooser(`${name}-${place}`, column.title, options, "", (value) => update({ chosen: { ...state.chosen, [place]: value } }));
  }

  const heads = columns.map((column, place) => {
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () =>
      update({ column: place, descending: state.column === place && !state.descending }),
    );
    return element("th", { scope: "col", className: column.kind === "text" ? "" : "number", "aria-sort": "none" }, button);
  });
  const body = element("tbody");
  const table = element("table", { id: `${name}-rows` }, element("thead", {}, element("tr", {}, ...heads)), body);
  const before = element("button", { type: "button" }, "Previous");
  const after = element("button", { type: "button" }, "Next");
  before.addEventListener("click", () => turn(-1));
  after.addEventListener("click", () => turn(1));
  const pager = element("div", { className: "pager" }, before, after);
  container.replaceChildren(
    element("div", { className: "table" }, bar, element("div", { className: "scroll", tabIndex: 0 }, table), pager),
  );

  function update(change) {
    Object.assign(state, change, { page: 0 });
    const wanted = state.words.split(/\s+/).filter(Boolean);
    const chosen = Object.entries(state.chosen).filter(([, value]) => value !== "");
    state.rows = rows.filter(
      (row) =>
        chosen.every(([place, value]) => text(row, columns[place]) === value) &&
        wanted.every((word) => words(row).includes(word)),
    );
    if (state.column !== null) {
      const { value } = columns[state.column];
      const sign = state.descending ? -1 : 1;
      const key = new Map(state.rows.map((row) => [row, value(row) ?? null]));
      state.rows.sort((a, b) => {
        const [x, y] = [key.get(a), key.get(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y);
      });
    }
    draw();
  }
  function turn(step) {
    state.page += step;
    draw();
  }
  function draw() {
    const first = state.page * PAGE_ROWS;
    const shown = state.rows.slice(first, first + PAGE_ROWS);
    body.replaceChildren(
      ...shown.map((row) =>
        element("tr", {}, ...columns.map((column) => element("td", { className: column.kind === "text" ? "" : "number" }, text(row, column)))),
      ),
    );
    heads.forEach((head, place) =>
      head.setAttribute("aria-sort", state.column !== place ? "none" : state.descending ? "descending" : "ascending"),
    );
    const range = shown.length ? `${count(first + 1)}–${count(first + shown.length)} of ` : "";
    total.textContent = `${range}${count(state.rows.length)} rows${state.rows.length < rows.length ? `, ${count(rows.length)} in all` : ""}`;
    before.disabled = state.page === 0;
    after.disabled = first + PAGE_ROWS >= state.rows.length;
    pager.hidden = state.rows.length <= PAGE_ROWS;
  }
  update({});
}
