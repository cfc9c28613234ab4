"""Sparse linear models with Hard Concrete gates as scikit-learn estimators (extra `learn`), which this file loads.

    minimise  (1/n) Σ ℓ(y_i, b + x_iᵀ(w ∘ z)) + λ Σ_j P(z_j ≠ 0)    over w, b and the gates' locations

by Adam on all samples, with a draw of the gates z in each epoch (Louizos, Welling & Kingma 2018). ℓ is the squared
error (`SparseL0Linear`) or the log loss (`SparseL0Logistic`; several classes share the gates of their features). λ is
what a feature costs in units of that mean: n λ is the λ of `hard_concrete`, whose loss is a sum.

Columns are scaled to unit variance, and centred in the formula only, so that SciPy sparse input stays sparse; the
outcome of a regression is scaled too, and λ with it: what is minimised is the same, only sooner. All randomness is
`random_state`'s; torch's own generator is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from frontier.core.arrays import FloatArray
from frontier.core.ranges import Epochs, NonNegative, Positive, Share, check_ranges
from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.modules.distribution import HardConcreteGates
from frontier.solvers.gates.modules.penalties import l0_penalty, set_temperature
from frontier.solvers.gates.schedule import Temperature


class _SparseL0(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Parameters and training of both.

    lam                λ, per feature, in units of the mean loss
    epochs, lr         Adam's length and step, for columns and outcome of unit variance
    temperature        β of the gates, or a schedule of it
    start_probability  P(z ≠ 0) at the start
    fit_intercept      whether there is a b, which is never penalised
    random_state       of the gates' noise
    """

    lam: NonNegative
    epochs: Epochs
    lr: Positive
    start_probability: Share

    def __init__(
        self,
        *,
        lam: float = 0.01,
        epochs: int = 2_000,
        lr: float = 0.02,
        temperature: float | Temperature = 2 / 3,
        start_probability: float = 0.8,
        fit_intercept: bool = True,
        random_state: Any = None,
    ) -> None:
        self.lam = lam
        self.epochs = epochs
        self.lr = lr
        self.temperature = temperature
        self.start_probability = start_probability
        self.fit_intercept = fit_intercept
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _trained(
        self, X: Any, outputs: int, loss: Callable[[torch.Tensor], torch.Tensor], lam: float, *, bias: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Coefficients (features × outputs) and intercepts (outputs) for raw X; `loss` takes samples × outputs."""
        check_ranges(self)
        beta = self.temperature
        if not isinstance(beta, Temperature):
            beta = Temperature(final=beta, initial=beta)
        centre, scale = _moments(X, centred=self.fit_intercept)
        columns, shift = _tensor(X @ sp.diags_array(1 / scale)), torch.from_numpy(centre / scale)[:, None]
        constants = HardConcrete(temperature=beta.initial)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        p = self.start_probability
        gates = HardConcreteGates(X.shape[1], constants=constants, start_probability=p, seed=seed).double()
        w = torch.zeros((X.shape[1], outputs), dtype=torch.float64, requires_grad=True)
        b = torch.zeros(outputs, dtype=torch.float64, requires_grad=bias)
        adam = torch.optim.Adam([w, gates.qz_logits, *([b] if bias else [])], lr=self.lr)
        for now in beta.over(self.epochs):
            set_temperature(gates, float(now))
            gated = w * gates.sample()[:, None]
            total = loss(columns @ gated - (shift * gated).sum(dim=0) + b) + lam * l0_penalty(gates)
            adam.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            adam.step()
        with torch.no_grad():
            self.gates_ = gates.deterministic().numpy()
            self.open_probability_ = gates.open_probability().numpy()
            coefficients = w.numpy() * self.gates_[:, None] / scale[:, None]
        self.n_iter_ = self.epochs
        return coefficients, b.detach().numpy() - centre @ coefficients

    def _linear(self, X: Any) -> FloatArray:
        """`b + X w`, samples or samples × outputs."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return np.asarray(X @ self.coef_.T + self.intercept_)


class SparseL0Linear(RegressorMixin, _SparseL0):  # type: ignore[misc]  # as above
    """Least squares over few features: `coef_` (features), exactly 0 where a gate is closed, `intercept_`, `gates_`."""

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to X (samples × features, dense or SciPy sparse) and y (samples)."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)
        y = np.asarray(y, dtype=np.float64)
        mean = float(y.mean()) if self.fit_intercept else 0.0
        scale = float(np.sqrt(np.mean((y - mean) ** 2))) or 1.0
        target = torch.from_numpy((y - mean) / scale)[:, None]
        coefficients, b = self._trained(
            X, 1, lambda found: (found - target).square().mean(), self.lam / scale**2, bias=False
        )
        self.coef_ = coefficients[:, 0] * scale
        self.intercept_ = mean + float(b[0]) * scale
        return self

    def predict(self, X: Any) -> FloatArray:
        """The expected outcome of each sample."""
        return self._linear(X)


class SparseL0Logistic(ClassifierMixin, _SparseL0):  # type: ignore[misc]  # as above
    """Logistic regression over few features: `coef_` (1 × features, or classes × features), `intercept_`, `gates_`."""

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to X (samples × features, dense or SciPy sparse) and y (samples), the labels of two or more classes."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"SparseL0Logistic needs samples of two classes or more; y has one class: {y[0]!r}")
        outputs = 1 if len(self.classes_) == 2 else len(self.classes_)
        target = torch.from_numpy(codes)
        coefficients, self.intercept_ = self._trained(
            X,
            outputs,
            lambda found: torch.nn.functional.cross_entropy(_logits(found), target),
            self.lam,
            bias=self.fit_intercept,
        )
        self.coef_ = coefficients.T
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """`b + X w`: samples for two classes, else samples × classes."""
        found = self._linear(X)
        return found[:, 0] if len(self.classes_) == 2 else found

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities, samples × classes."""
        return _logits(torch.from_numpy(self._linear(X))).softmax(dim=1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each sample."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


def _logits(found: torch.Tensor) -> torch.Tensor:
    """Samples × classes; of two classes the first has 0."""
    return torch.cat([torch.zeros_like(found), found], dim=1) if found.shape[1] == 1 else found


def _moments(X: Any, *, centred: bool) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of every column; without centring 0 and the root mean square. No scale is 0."""
    mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
    square = np.asarray(X.multiply(X).mean(axis=0)).ravel() if sp.issparse(X) else np.mean(X**2, axis=0)
    centre = mean if centred else np.zeros_like(mean)
    variance = square - centre**2
    largest = np.maximum(square, np.finfo(np.float64).tiny)
    return centre, np.sqrt(np.where(variance > 1e-12 * largest, variance, largest))  # less is rounding: constant


def _tensor(X: Any) -> torch.Tensor:
    if not sp.issparse(X):
        return torch.from_numpy(np.ascontiguousarray(X))
    rows = sp.csr_array(X, copy=True)
    rows.sum_duplicates()  # and in order, as torch wants a coalesced tensor
    coo = rows.tocoo()
    index, values = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64)), torch.from_numpy(coo.data)
    return torch.sparse_coo_tensor(index, values, coo.shape, is_coalesced=True, check_invariants=True)
