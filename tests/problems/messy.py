"""A survey file and targets as they come: 3,000 households written by a spreadsheet, and totals typed in by hand.

Semicolons, commas before decimals, points between thousands, Latin-1 in the one and decomposed umlauts in the other,
codes as text, ids given twice, cells without a value, targets that nobody supports, and a per cent sign.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

REGIONS = ("Thüringen", "Baden-Württemberg", "Hessen", "Köln")
SIZES = ("01", "02", "03", "04", "05")  # persons, as text
GROUPS = ("bis 30", "30–50", "über 50")


def households(n: int = 3_000, seed: int = 0) -> pd.DataFrame:
    """The file before it was written: id, region, size, age, income, rent, weight."""
    rng = np.random.default_rng(seed)
    region = rng.choice(len(REGIONS), n, p=[0.15, 0.4, 0.3, 0.15])
    age = rng.integers(18, 90, n)
    size = rng.choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    income = np.round(rng.lognormal(10.2 + 0.15 * size + 0.1 * region, 0.7), 2)
    income[rng.random(n) < 0.1] = 0.0
    rent = np.round(np.where(rng.random(n) < 0.55, 0.2 * income + rng.gamma(2.0, 1500.0, n), 0.0), 2)
    return pd.DataFrame(
        {
            "Haushalt": np.arange(n),
            "Region": np.array(REGIONS)[region],
            "Größe": np.array(SIZES)[size],
            "Alter": age,
            "Einkommen": income,
            "Miete": rent,
            "Gewicht": np.round(rng.gamma(4.0, 250.0, n), 1),
        }
    )


def german(value: float, digits: int = 2) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def write(folder: Path, *, percent: bool = True, contradiction: bool = False) -> None:
    """`haushalte.csv` (Latin-1) and `ziele.csv` (UTF-8, umlauts in two parts): 56 rounded totals, 4 of nobody.

    With `percent` two values are no numbers; with `contradiction` a region has 3% more households than its parts.
    """
    file = households()
    missing = np.random.default_rng(1).choice(len(file), 15, replace=False)
    ids = file["Haushalt"].to_numpy().copy()
    ids[[100, 200, 300]] = ids[[99, 199, 299]]
    text = file.assign(
        Haushalt=ids,
        Region=file["Region"].where(~file.index.isin(missing), ""),
        Einkommen=[german(v) for v in file["Einkommen"]],
        Miete=[german(v) for v in file["Miete"]],
        Gewicht=[german(v, 1) for v in file["Gewicht"]],
    )
    (folder / "haushalte.csv").write_bytes(text.to_csv(index=False, sep=";").encode("latin-1"))
    change = np.random.default_rng(2).lognormal(0.0, 0.15, len(file)) * (0.8 + 0.01 * (file["Alter"] > 50))
    truth = change * file["Gewicht"]
    rows = []
    for place in REGIONS:
        inside = file["Region"] == place
        for size in SIZES:
            both = inside & (file["Größe"] == size)
            rows.append((f"{place}/{size}", "Größe", "", "count", place, size, "", "", truth[both].sum()))
        for low, high in ((0, 15), (15, 30), (30, 45), (45, 60), (60, 100)):
            both = inside & (file["Alter"] >= low) & (file["Alter"] < high)
            value = max(truth[both].sum(), 400.0)
            rows.append((f"{place}/{low}", "Alter", "", "count", place, "", low, high, value))
        for item in ("Einkommen", "Miete"):
            amount, cases = (truth * file[item])[inside].sum(), truth[inside & (file[item] > 0)].sum()
            rows.append((f"{place}/{item}", item, item, "amount", place, "", "", "", amount))
            rows.append((f"{place}/{item}/Fälle", item, item, "count", place, "", "", "", cases))
    if contradiction:
        rows.append(
            ("Köln/alle", "alle", "", "count", "Köln", "", "", "", 1.03 * truth[file["Region"] == "Köln"].sum())
        )
    columns = ["name", "family", "variable", "statistic", "where:Region", "where:Größe", "Alter_lower", "Alter_upper"]
    table = pd.DataFrame(rows, columns=[*columns, "value"])
    table["value"] = [german(round(value, -2), 0) for value in table["value"]]
    if percent:
        table.loc[3, "value"] = "12,5 %"
        table.loc[5, "value"] = "abc"
    decomposed = unicodedata.normalize("NFD", table.to_csv(index=False, sep=";"))
    (folder / "ziele.csv").write_bytes(decomposed.encode("utf-8"))
