"""`python -m frontier study mlp`: which weights of a network to keep, by gates or by size, at equal numbers.

The data are scikit-learn's 8 × 8 digits (extra `peers`), a third of them held out. For every λ and seed a `SparseMLP`
is trained on `mean cross-entropy + λ L0` for half of the epochs; the gates of test time leave k weights. A dense
network of the same start is trained as long, and all but its k largest weights are set to 0 (Han, Pool, Tran & Dally
2015). Both are judged as they are and after the other half of the epochs, in which the weights that are left train on.
All are networks with gates: those of dense ones are open for good, those of what was dropped closed.
The accuracies are kept, and the page is drawn from them. Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from frontier.analysis.intervals import mean_interval
from frontier.commands.command_line import command, print_lines
from frontier.core import random
from frontier.core.arrays import FloatArray
from frontier.core.errors import InputError
from frontier.methods.peers._package import imported
from frontier.solvers.gates.gates import LOG_ALPHA_BOUND
from frontier.study.kept import keep, read_kept
from frontier.sweep.measure import limited_threads

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from frontier.reporting.document import Document
    from frontier.solvers.gates.modules import SparseMLP

    Part = tuple[torch.Tensor, torch.Tensor]  # inputs and labels

LAMS = (1e-5, 3e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3)
SEEDS = (1, 2, 3, 4, 5)  # on seed 0 the grid of λ and the step of the gates were chosen
ACCURACIES = "mlp/accuracies.csv"  # beside the compact results
EPOCHS, BATCH, HIDDEN = 120, 128, 100
LR, LR_GATES = 5e-3, 5e-2  # of Adam; a gate has to move by some 2 to close
HELD_OUT = 1 / 3
CANNOT_SAY = (
    "One small network, one set of images: nothing here says what a large network does.",
    "Intervals are Student's t over five seeds, paired, and not adjusted for the number of λ.",
    "The grid of λ and the step of the gates were chosen on another seed; pruning by size has nothing to choose.",
    "Pruning is done once. Pruned step by step, with training between, magnitudes may do better.",
)
LOOKS = {
    ("gates", "trained on"): ("#D55E00", "o", "-"),
    ("gates", "as they are"): ("#D55E00", "o", ":"),
    ("size", "trained on"): ("#0072B2", "s", "-"),
    ("size", "as they are"): ("#0072B2", "s", ":"),
}


@command
def main(
    train: Annotated[bool, typer.Option("--train", help="train again first (five minutes)")] = False,
    kept: Annotated[Path, typer.Option(help="the accuracies of every network")] = Path("results/flagship", ACCURACIES),
    out: Annotated[Path, typer.Option(help="folder of the report")] = Path("reports/mlp"),
) -> None:
    """Draw the page from the kept accuracies; with --train after training and pruning all networks anew."""
    if train:
        X, labels = digits()
        keep(pd.concat([compare(X, labels, seed, LAMS, EPOCHS) for seed in SEEDS]), kept)
    print_lines([f"report: {write_mlp(kept, out)}"])


def write_mlp(kept: Path, out: Path) -> Path:
    """The page of kept accuracies; `InputError` where there are none, or another table."""
    from frontier.reporting.write import write_document

    if not kept.is_file():
        raise InputError(kept, "no accuracies", cure="train with --train")
    return write_document(read_kept(kept, document, "train with --train"), out)[0]


def digits() -> tuple[FloatArray, NDArray[np.int64]]:
    """Inputs in [0, 1] (1,797 × 64) and labels; `InputError` where scikit-learn is not installed."""
    data = imported("sklearn.datasets", "frontier study mlp").load_digits()
    return data.data / 16, data.target


def compare(X: FloatArray, labels: NDArray[np.int64], seed: int, lams: Sequence[float], epochs: int) -> pd.DataFrame:
    """One row for each λ, chooser of weights and stage: parameters kept, held-out accuracy; `dense` has no λ."""
    import torch

    from frontier.solvers.gates.modules import SparseMLP, active_parameters

    with limited_threads(1):  # matrices this small are slower on several
        order = random.generator(seed, random.STREAM_SUBSET).permutation(len(X))
        cut = round(HELD_OUT * len(X))
        inputs, classes = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(labels)
        test, training = ((inputs[part], classes[part]) for part in (order[:cut], order[cut:]))
        start = SparseMLP(X.shape[1], HIDDEN, int(labels.max()) + 1, seed=seed)
        first, second = (training, epochs // 2, 2 * seed), (training, epochs - epochs // 2, 2 * seed + 1)
        dense = _fixed(start, [torch.ones_like(layer.weight) for layer in start.layers])
        _train(dense, *first)
        chosen = []
        for lam in lams:
            gated = copy.deepcopy(start)
            _train(gated, *first, lam)
            by_gates = [layer.weight_gates.deterministic().detach() for layer in gated.layers]
            kept = sum(int(z.count_nonzero()) for z in by_gates)
            sizes = torch.cat([layer.weight.detach().abs().flatten() for layer in dense.layers])
            smallest = sizes.topk(max(kept, 1)).values[-1]
            by_size = [(layer.weight.detach().abs() >= smallest).float() for layer in dense.layers]
            chosen += [("gates", lam, _fixed(gated, by_gates)), ("size", lam, _fixed(dense, by_size))]
        rows = []
        for chooser, lam, model in [*chosen, ("dense", np.nan, dense)]:
            size = active_parameters(model)
            rows.append((chooser, "as they are", lam, size, _accuracy(model.prune(), test)))
            _train(model, *second)
            rows.append((chooser, "trained on", lam, size, _accuracy(model.prune(), test)))
    return pd.DataFrame(rows, columns=["chooser", "stage", "lam", "parameters", "accuracy"]).assign(seed=seed)


def _fixed(model: SparseMLP, gates: list[torch.Tensor]) -> SparseMLP:
    """A copy with weights times given gates, whose own are then open for good where those are not 0, else closed."""
    import torch

    copied = copy.deepcopy(model)
    with torch.no_grad():
        for layer, z in zip(copied.layers, gates, strict=True):
            layer.weight.mul_(z)
            layer.weight_gates.qz_logits.copy_(torch.where(z > 0, LOG_ALPHA_BOUND, -LOG_ALPHA_BOUND))
            layer.weight_gates.qz_logits.requires_grad_(False)
    return copied


def _train(model: SparseMLP, data: Part, epochs: int, seed: int, lam: float = 0.0) -> None:
    import torch

    from frontier.solvers.gates.modules import l0_penalty

    X, labels = data
    generator = random.generator(seed, random.STREAM_RESAMPLE)
    logits = [layer.weight_gates.qz_logits for layer in model.layers]
    weights = [p for layer in model.layers for p in (layer.weight, layer.bias)]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": logits, "lr": LR_GATES}]
    optimiser = torch.optim.Adam(groups, lr=LR)
    model.train(lam > 0)  # without noise where no gate can move
    for _ in range(epochs):
        for batch in np.array_split(generator.permutation(len(X)), max(1, len(X) // BATCH)):
            loss = torch.nn.functional.cross_entropy(model(X[batch]), labels[batch])
            total = loss + lam * l0_penalty(model) if lam else loss
            optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    model.eval()


def _accuracy(model: torch.nn.Module, data: Part) -> float:
    import torch

    X, labels = data
    with torch.no_grad():
        return float((model.eval()(X).argmax(dim=1) == labels).float().mean())


def document(found: pd.DataFrame) -> Document:
    """The page: the answer, the figure, a row for each λ, and what this cannot say."""
    from frontier.reporting.document import Bullets, Document, Picture, Table, Text

    sized = found[found["chooser"] != "dense"]
    rows = []
    for lam in sorted(map(float, sized["lam"].unique())):
        part = sized[sized["lam"] == lam]
        cells = [_mean(part[(part["chooser"] == c) & (part["stage"] == stage)]) for c, stage in LOOKS]
        rows.append([f"{lam:g}", f"{part['parameters'].mean():,.0f}", *cells])
    dense = found[(found["chooser"] == "dense") & (found["stage"] == "trained on")]
    rows.append(["dense", f"{dense['parameters'].mean():,.0f}", "", "", _mean(dense), ""])
    header = ["λ", "parameters kept", *(f"by {chooser}, {stage}" for chooser, stage in LOOKS)]
    about = (
        f"A network of 64, {HIDDEN}, {HIDDEN} and 10 units on scikit-learn's 8 × 8 digits (1,797, a third held out), "
        "by Hard Concrete gates with an L0 penalty and by magnitude pruning to the same number of weights. Half of "
        f"{EPOCHS} epochs choose the weights, in the other half those that are left train on. Held-out accuracy, means "
        f"with standard errors over {found['seed'].nunique()} seeds (start, split and noise); λ times L0 is added to "
        "the mean cross-entropy."
    )
    caption = "Held-out accuracy against parameters kept, means over seeds at each λ; the line is the dense network."
    return Document(
        "Which weights of a network to keep: by gates or by size?",
        [
            Text(f"**{answer(found)}**"),
            Text(about),
            Picture("mlp", caption, lambda: _figure(sized, dense)),
            Table(header, rows, range(6)),
            Bullets(CANNOT_SAY),
        ],
    )


def answer(found: pd.DataFrame) -> str:
    """At which numbers of weights one of the choosers keeps better ones, in a sentence or two.

    Trained on afterwards; differences are paired by seed, an interval without 0 tells them apart.
    """
    after = found[(found["stage"] == "trained on") & (found["chooser"] != "dense")]
    accuracy = after.pivot(index=["lam", "seed"], columns="chooser", values="accuracy")
    differences = 100 * (accuracy["gates"] - accuracy["size"])
    sizes = after.groupby("lam")["parameters"].mean()
    told: dict[str, list[str]] = {"gates": [], "size": []}
    for lam in sorted(sizes.index, key=lambda lam: -sizes[lam]):
        mean, low, high = mean_interval(differences[lam].to_numpy())
        if low > 0 or high < 0:
            by, ends = ("gates", (low, high)) if low > 0 else ("size", (-high, -low))
            told[by].append(f"{abs(mean):.1f} points at {sizes[lam]:,.0f} ({ends[0]:.1f} to {ends[1]:.1f})")
    won = [f"{by} choose better weights by {' and '.join(some)}" for by, some in told.items() if some]
    level = len(sizes) - sum(map(len, told.values()))
    verdict = "; ".join(won) if won else "at no number of weights are the two told apart"
    rest = (
        f"; at the other {level} of {len(sizes)} numbers of weights the two are not told apart" if won and level else ""
    )
    whole = found.loc[found["chooser"] == "dense", "parameters"].mean()
    return f"Trained on afterwards, of {whole:,.0f} weights, {verdict}{rest} (held-out accuracy, 95% intervals)."


def _mean(part: pd.DataFrame) -> str:
    accuracy = 100 * part["accuracy"].to_numpy(dtype=np.float64)
    return f"{accuracy.mean():.1f}% ± {accuracy.std(ddof=1) / len(accuracy) ** 0.5:.1f}"


def _figure(sized: pd.DataFrame, dense: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    from frontier.reporting.charts.style import GREY_LINE, WIDTH_INCHES

    figure = Figure(figsize=(WIDTH_INCHES, 3.6), layout="constrained")
    ax = figure.subplots()
    for (chooser, stage), (colour, marker, line) in LOOKS.items():
        part = sized[(sized["chooser"] == chooser) & (sized["stage"] == stage)]
        means = part.groupby("lam")[["parameters", "accuracy"]].mean()
        error = 100 * part.groupby("lam")["accuracy"].sem()
        ax.errorbar(
            means["parameters"], 100 * means["accuracy"], error, color=colour, marker=marker, linestyle=line,
            elinewidth=0.8, label=f"by {chooser}, {stage}", markerfacecolor=colour if line == "-" else "white",
        )  # fmt: skip
    ax.axhline(100 * dense["accuracy"].mean(), **GREY_LINE)
    ax.set_xscale("log")
    ax.set_ylim(bottom=50)
    ax.set_xlabel("parameters kept")
    ax.set_ylabel("held-out accuracy, %")
    ax.set_xticks([300, 1_000, 3_000, 10_000], ["300", "1,000", "3,000", "10,000"])
    ax.legend(loc="lower right")
    return figure
