"""The page in a real headless Chromium without a network: it loads, its controls work, text from data stays text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from frontier.reporting.document import Data, Document, Section, Text
from frontier.reporting.page.page import page
from frontier.reporting.prepared import Prepared
from tests.reporting import made

selenium = pytest.importorskip("selenium", reason="selenium is not installed: python -m pip install -e '.[test]'")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import ElementClickInterceptedException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no chromium and chromedriver: apt-get install chromium chromium-driver"
)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1300,900"),
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no network: every name is unknown
)
SECONDS = 20.0  # until the page must be ready on a busy machine; alone it takes one or two


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A browser that shows the page of the made-up results."""
    folder = tmp_path_factory.mktemp("page")
    cells = made.results()
    statistics = pd.DataFrame(
        {"who": [made.HOSTILE, "plain", "other"], "hyper_volume": [2.5, None, 10.25], "n": [3, 1, 2]}
    )
    run = Prepared(cells, made.manifest(), made.estimates(cells), made.traces(cells))
    more = [Text("Two **methods** <script>x</script>."), Data("statistics__volumes", statistics, "Volumes")]
    document = Document("made up", [*made.whole(run).blocks, Section("Statistics & <i>", more)])
    file = folder / "index.html"
    file.write_text(page(document, run, {}), "utf-8")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        browser.get(file.as_uri())
        wait(browser)
        yield Opened(browser)
        errors = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        assert errors == []  # in any of the tests
    finally:
        browser.quit()


@dataclass
class Opened:
    """The browser, and whether a test may have changed what it shows."""

    browser: Any
    touched: bool = False


def wait(browser: Any) -> None:
    WebDriverWait(browser, SECONDS).until(lambda b: b.execute_script("return document.documentElement.dataset.ready"))


@pytest.fixture
def still(opened: Opened) -> Any:
    """The page as it opens, for tests that only look."""
    if opened.touched:
        opened.browser.refresh()
        wait(opened.browser)
        opened.touched = False
    return opened.browser


@pytest.fixture
def shown(still: Any, opened: Opened) -> Any:
    """The page as it opens, for tests that click."""
    opened.touched = True
    return still


def drawn(page: Any) -> list[dict[str, Any]]:
    """What plotly was given for the frontier chart."""
    code = """return document.getElementById("chart").data.map(
        ({name, x, y, mode, text, marker, error_y, xaxis}) => ({name, x, y, mode, text, marker, error_y, xaxis}))"""
    return list(page.execute_script(code))


def methods(page: Any) -> list[dict[str, Any]]:
    return [trace for trace in drawn(page) if trace["name"]]


def axes(page: Any) -> dict[str, Any]:
    code = "const l = document.getElementById('chart').layout; return {x: l.xaxis, y: l.yaxis, notes: l.annotations}"
    return dict(page.execute_script(code))


def click(page: Any, element: WebElement) -> None:
    """Click the element once it lies free: charts that come into view are drawn then, and move what is below them."""

    def clicked(_: Any) -> bool:
        page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()
        return True

    WebDriverWait(page, SECONDS, ignored_exceptions=[ElementClickInterceptedException]).until(clicked)


def choose(page: Any, name: str, text: str) -> None:
    """Click the radio button of this text, as a reader does."""
    labels = page.find_elements(By.CSS_SELECTOR, f"label:has(input[name='{name}'])")
    click(page, next(label for label in labels if label.text == text))


def show_default(page: Any) -> Any:
    """The default split, both arms and the plain held-out error, whatever the page opens with."""
    choose(page, "heldout", "default")
    choose(page, "refit", "both")
    choose(page, "metric", "held-out")
    return page


def column(page: Any, table: str, place: int) -> list[str]:
    code = """return [...document.querySelectorAll(`#${arguments[0]}-rows tbody tr`)].map(
        row => row.cells[arguments[1]].textContent)"""
    return list(page.execute_script(code, table, place))


def head(page: Any, table: str, title: str) -> tuple[int, WebElement]:
    heads = page.find_elements(By.CSS_SELECTOR, f"#{table}-rows thead th")
    return next((i, th) for i, th in enumerate(heads) if th.text.startswith(title))


def test_the_page_loads_without_errors_and_without_a_single_request(still: Any) -> None:
    assert [entry for entry in still.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert still.execute_script("return performance.getEntriesByType('resource').map(e => e.name)") == []
    events = [entry["message"] for entry in still.get_log("performance")]
    requests = [text for text in events if '"Network.requestWillBeSent"' in text]
    assert requests  # the page itself: the log does record requests
    assert not [text for text in requests if '"url":"http' in text]


def test_text_with_markup_stays_text(still: Any) -> None:
    assert still.title == "made up · frontier"
    assert still.find_elements(By.CSS_SELECTOR, "main img, main i, main script, header script") == []
    names = [button.text for button in still.find_elements(By.CSS_SELECTOR, "#legend > button")]
    assert made.HOSTILE in names
    assert "<script>alert(1)</script> a *hostile* label." in still.find_element(By.CSS_SELECTOR, ".lead").text
    assert still.find_element(By.CSS_SELECTOR, "#statistics-i h2").text == "Statistics & <i>"
    hover = next(text for trace in methods(still) for text in trace["text"] if "Evil" in text)
    assert "&lt;/script&gt;" in hover
    assert "<img" not in hover


def test_the_page_opens_with_what_its_verdict_is_about(still: Any) -> None:
    assert "rotation: 2 folds together" in still.find_element(By.ID, "chart-caption").text  # the most folds
    assert "capped" in axes(still)["y"]["title"]["text"]
    assert {trace["xaxis"] for trace in drawn(still)} == {"x"}  # as fitted, like the first comparison
    names = [note["text"] for note in axes(still)["notes"]]
    assert "Gates" in names  # at the end of its line


def test_hovering_tells_method_point_size_errors_status_and_certificate(shown: Any) -> None:
    still = show_default(shown)
    gates = next(trace for trace in methods(still) if trace["name"] == "Gates")
    size_and_errors = ("k = 21 ± 0.6 (20 to 22)", "held-out 67.0% ± 1.73% (64.0% to 70.0%)", "capped 19.0%", "ESS 50")
    for part in ("<b>Gates</b>", "budget 20", "3 seeds", *size_and_errors, "no certificate", "250 ms clean"):
        assert part in gates["text"][0]
    assert "completed x3" in gates["text"][0]
    convex = next(text for trace in methods(still) for text in trace["text"] if "Evil" in text)
    assert "certificate confirmed, gap 3.0e-9" in convex


def test_uncertainty_is_drawn_and_what_missed_its_budget_is_hollow(shown: Any) -> None:
    show_default(shown)
    gates, convex = (next(trace for trace in methods(shown) if trace["name"].startswith(n)) for n in ("Gates", "Evil"))
    assert all(end > 0 for end in gates["error_y"]["array"] + gates["error_y"]["arrayminus"])
    assert convex["marker"]["symbol"] == ["square", "square", "square-open"]
    assert gates["marker"]["symbol"] == ["circle"] * 3
    before = gates["error_y"]["array"]
    click(shown, shown.find_element(By.CSS_SELECTOR, "details.how summary"))
    choose(shown, "bars", "range")
    assert methods(shown)[0]["error_y"]["array"] != before


def test_reference_lines_are_named(shown: Any) -> None:
    show_default(shown)

    def notes() -> str:
        return " ".join(note["text"] for note in axes(shown)["notes"])

    for text in ("held-out floor 5.000%", "initial weights 40.0%", "k = rank(A) = 28"):
        assert text in notes()
    choose(shown, "metric", "training")
    assert "dense least squares fit 1.00%" in notes()
    assert "floor" not in notes()


def test_the_toggles_change_the_plot(shown: Any) -> None:
    show_default(shown)
    click(shown, shown.find_element(By.CSS_SELECTOR, "details.how summary"))
    assert {trace["xaxis"] for trace in drawn(shown)} == {"x", "x2"}
    choose(shown, "refit", "refit")
    assert {trace["xaxis"] for trace in drawn(shown)} == {"x"}
    refit = methods(shown)[0]["y"]
    choose(shown, "refit", "as fitted")
    fitted = methods(shown)[0]["y"]
    assert [round(a - b, 4) for a, b in zip(fitted, refit, strict=True)] == [0.03] * 3  # made.results
    choose(shown, "metric", "ESS")
    assert methods(shown)[0]["y"] == [50] * 3
    assert axes(shown)["y"]["title"]["text"] == "effective sample size (Kish)"
    choose(shown, "metric", "held-out, capped")
    assert methods(shown)[0]["y"] == [0.19] * 3
    assert axes(shown)["x"]["type"] == axes(shown)["y"]["type"] == "log"
    for name, axis in (("logx", "x"), ("logy", "y")):
        click(shown, shown.find_element(By.NAME, name))
        assert axes(shown)[axis]["type"] == "linear"
    choose(shown, "shown", "every seed")
    seeds = [trace for trace in methods(shown) if trace["mode"] == "markers"]
    assert [len(trace["x"]) for trace in seeds] == [3, 9]  # the gates have three seeds


def test_parts_can_be_chosen_and_zero_records_stand_in_their_strip(shown: Any) -> None:
    choose(shown, "heldout", "rotation: 2 folds together")
    assert "2 folds" in shown.find_element(By.ID, "chart-caption").text
    choose(shown, "metric", "held-out")
    pooled = methods(shown)[0]["y"]
    choose(shown, "heldout", "rotation_1of2")
    assert methods(shown)[0]["y"] != pooled
    choose(shown, "problem", "paths")
    assert "0" in axes(shown)["x"]["ticktext"]
    assert "Not drawn: 1 cell" in shown.find_element(By.ID, "chart-note").text


def test_methods_are_shown_and_hidden_by_their_names(shown: Any) -> None:
    button = next(b for b in shown.find_elements(By.CSS_SELECTOR, "#legend > button") if b.text == "Gates")
    click(shown, button)
    assert {trace["name"].split()[0] for trace in methods(shown)} == {"Evil"}
    pressed = [b.get_attribute("aria-pressed") for b in shown.find_elements(By.CSS_SELECTOR, "#legend > button")]
    assert sorted(pressed) == ["false", "true"]
    click(shown, shown.find_element(By.XPATH, "//button[text()='Show all']"))
    assert {trace["name"].split()[0] for trace in methods(shown)} == {"Evil", "Gates"}


def test_the_results_table_sorts_by_number_and_says_how(shown: Any) -> None:
    place, th = head(shown, "results", "Records")
    assert th.get_attribute("aria-sort") == "none"
    click(shown, th.find_element(By.TAG_NAME, "button"))
    numbers = [float(text.replace(",", "")) for text in column(shown, "results", place)]
    assert numbers == sorted(numbers)
    assert th.get_attribute("aria-sort") == "ascending"
    click(shown, th.find_element(By.TAG_NAME, "button"))
    down = [float(text.replace(",", "")) for text in column(shown, "results", place)]
    assert down == sorted(down, reverse=True)
    assert down[0] > numbers[0]
    assert th.get_attribute("aria-sort") == "descending"


def test_the_results_table_filters_by_words_and_columns_and_turns_pages(shown: Any) -> None:
    def count() -> str:
        return str(shown.find_element(By.CSS_SELECTOR, "#results .count").text)

    assert count() == "1–25 of 51 rows"  # 48 of the budgets (four parts), three λ
    click(shown, shown.find_element(By.XPATH, "//div[@id='result-table']//button[text()='Next']"))
    assert count() == "26–50 of 51 rows"
    problem = Select(shown.find_element(By.ID, "choose-results-1"))
    problem.select_by_visible_text("paths")
    assert count() == "1–3 of 3 rows, 51 in all"
    problem.select_by_visible_text("all")
    shown.find_element(By.ID, "results-search").send_keys("evil </SCRIPT> unreached")
    place, _ = head(shown, "results", "Method")
    assert set(column(shown, "results", place)) == {made.HOSTILE}
    assert count() == "1–8 of 8 rows, 51 in all"
    choose(shown, "rows", "one seed")
    assert count().endswith("of 79 rows")


def test_worst_misses_name_target_family_value_and_estimate(shown: Any) -> None:
    choose(shown, "heldout", "default")
    place, _ = head(shown, "misses", "Target")
    assert set(column(shown, "misses", place)) == {"total 3 <i>", "total 2 <i>"}
    assert column(shown, "misses", place)[0] == "total 3 <i>"
    choose(shown, "role", "fitted")
    assert set(column(shown, "misses", place)) == {"total 0 <i>", "total 1 <i>"}
    heads = [th.text for th in shown.find_elements(By.CSS_SELECTOR, "#family-map thead th")]
    assert heads[1:] == ["snap", "wages"]
    assert shown.find_element(By.CSS_SELECTOR, "#family-map tbody td").text == "1.0%"
    choose(shown, "problem", "paths")
    Select(shown.find_element(By.ID, "choose-size")).select_by_index(0)
    assert column(shown, "misses", 0) == ["Gates"] * 2


def test_convergence_traces_are_drawn_by_method_and_quantity(shown: Any) -> None:
    code = "return document.getElementById('trace-chart').data.map(t => [t.x.length, t.x.at(-1), t.name])"
    lines = shown.execute_script(code)
    assert [line[2] for line in lines] == ["budget 20", "budget 200", "budget 2,000"]
    assert all(line[0] <= 60 and line[1] == 2000 for line in lines)  # thinned, against the iteration
    Select(shown.find_element(By.ID, "choose-trace-quantity")).select_by_visible_text("n active")
    title = shown.execute_script("return document.getElementById('trace-chart').layout.yaxis.title.text")
    assert title == "n active"


def test_tables_of_other_sections_sort_with_missing_values_last(shown: Any) -> None:
    click(shown, shown.find_element(By.XPATH, "//summary[text()='Volumes: 3 rows, to sort and filter']"))
    place, th = head(shown, "statistics__volumes", "hyper volume")
    for _ in range(2):
        click(shown, th.find_element(By.TAG_NAME, "button"))
        assert column(shown, "statistics__volumes", place)[-1] == "–"
    assert column(shown, "statistics__volumes", place)[0] == "10.25"


def test_nothing_is_wider_than_a_telephone(shown: Any) -> None:
    show_default(shown)
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    shown.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        WebDriverWait(shown, SECONDS).until(
            lambda b: b.execute_script("return document.getElementById('chart').layout.height") == 720
        )  # panels below one another
        assert shown.execute_script("return document.documentElement.scrollWidth") <= 400
    finally:
        shown.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_methods_that_are_not_compared_stand_behind_in_grey_until_all_are_wanted(
    tmp_path: Path, opened: Opened
) -> None:
    rows = [made.cell(f"method {i}", budget=k, n_active=k, seed=0) for i in range(6) for k in (20, 200)]
    run = Prepared(pd.DataFrame(rows), made.manifest())
    front, behind = Document("made up", made.whole(run).blocks[:4]), Document("behind", made.whole(run).blocks[4:])
    (tmp_path / "index.html").write_text(page(front, run, {}, behind), "utf-8")
    browser = opened.browser
    opened.touched = True
    before = browser.current_url
    try:
        browser.get((tmp_path / "index.html").as_uri())
        wait(browser)
        colours = "return document.getElementById('chart').data.map(trace => trace.marker && trace.marker.color)"
        assert browser.execute_script(colours).count("#a9b2bc") == 2  # four of the six are compared
        names = [b.text for b in browser.find_elements(By.CSS_SELECTOR, "#legend > button")]
        assert names == [f"method {i}" for i in range(4)]
        choose(browser, "coloured", "all methods")
        assert "#a9b2bc" not in browser.execute_script(colours)
        folds = browser.find_elements(By.CSS_SELECTOR, "details.fold")
        assert folds
        assert all(fold.get_attribute("open") is None for fold in folds)
        browser.execute_script("window.location.hash = 'results'")
        WebDriverWait(browser, SECONDS).until(
            lambda b: b.find_element(By.CSS_SELECTOR, "#results-fold").get_attribute("open")
        )  # a link to what is folded away opens it
    finally:
        browser.get(before)
        wait(browser)
