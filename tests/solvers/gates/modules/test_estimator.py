"""The scikit-learn estimators: its own checks, the documented example, sparse as dense; skipped where it is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from frontier.core.errors import InputError
from frontier.problems.registry import load_problem
from frontier.problems.splits import default_split
from frontier.solvers.gates.schedule import Temperature

if importlib.util.find_spec("sklearn") is None:
    pytest.skip(
        "PACKAGE 'scikit-learn' NOT INSTALLED: SparseL0Linear was not tested here (pip install -e '.[learn]')",
        allow_module_level=True,
    )

from sklearn.utils.estimator_checks import check_estimator

from frontier.solvers.gates.modules.estimator import SparseL0Linear, SparseL0Logistic


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices of a few hundred rows are slower on several threads, by far where other tests run beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SHORT = {"epochs": 100, "lr": 0.15, "random_state": 0}


@pytest.mark.parametrize("estimator", [kind(**(SHORT | {"epochs": 40})) for kind in (SparseL0Linear, SparseL0Logistic)])
@pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's own, about checks that it skips
def test_scikit_learn_checks_hold(estimator: Any) -> None:
    check_estimator(estimator)


def example() -> tuple[np.ndarray, np.ndarray]:
    """500 fitted samples of the documented example, with its intercept."""
    problem = load_problem("variable_selection")
    fitted = default_split(problem).train
    return problem.M.toarray()[fitted, :4], problem.y[fitted] + 30.0


def test_the_documented_example_keeps_two_features_and_has_their_coefficients() -> None:
    X, y = example()
    model = SparseL0Linear(lam=0.2, epochs=5_000, lr=0.01, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.gates_, [1, 0, 1, 0])
    # another draw of the data: each is within three standard errors, 1.5/√500/√(1 − 0.25²) = 0.07, of the truth
    np.testing.assert_allclose(model.coef_, [1.04, 0, -2.07, 0], atol=3 * np.sqrt(2) * 0.07)
    exact = np.linalg.lstsq(X[:, [0, 2]], y - 30.0, rcond=None)[0]
    np.testing.assert_allclose(model.coef_[[0, 2]], exact, atol=0.01)  # Adam's last steps under gate noise
    assert model.intercept_ == pytest.approx(30.0, abs=1e-9)  # rounding: the columns are centred
    np.testing.assert_allclose(model.predict(X), X @ model.coef_ + model.intercept_, rtol=1e-12)  # rounding


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_input_gives_what_dense_input_gives_and_units_do_not_matter(fit_intercept: bool) -> None:
    random = np.random.default_rng(0)
    X = random.exponential(size=(200, 8)) * (random.random((200, 8)) < 0.3)
    y = 3.0 + 2.0 * X[:, 1] - X[:, 4] + 0.1 * random.standard_normal(200)
    model = SparseL0Linear(lam=0.02, fit_intercept=fit_intercept, **SHORT)
    dense = model.fit(X, y).coef_
    np.testing.assert_allclose(model.fit(sp.csr_matrix(X), y).coef_, dense, rtol=1e-8, atol=1e-10)  # order of sums
    units = np.logspace(-3, 3, 8)
    again = SparseL0Linear(lam=0.02 * 100, fit_intercept=fit_intercept, **SHORT).fit(X * units, 10 * y)
    np.testing.assert_allclose(again.coef_ * units / 10, dense, rtol=1e-6, atol=1e-8)  # rounding over 300 steps


@pytest.mark.parametrize("classes", [2, 3])
def test_a_logistic_model_finds_the_features_that_decide_and_their_classes(classes: int) -> None:
    random = np.random.default_rng(1)
    X = random.standard_normal((400, 10))
    scores = np.stack([2 * X[:, 2] * (c - 1) + 2 * X[:, 7] * (c == 1) for c in range(classes)], axis=1)
    y = np.array(["a", "b", "c"])[(scores + random.gumbel(size=scores.shape)).argmax(axis=1)]
    model = SparseL0Logistic(lam=0.02, epochs=1_000, random_state=0).fit(sp.csr_matrix(X), y)
    assert set(np.flatnonzero(model.coef_.any(axis=0))) == {2, 7}
    assert model.coef_.shape == (1 if classes == 2 else 3, 10)
    assert model.score(X, y) > 0.7
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)  # rounding


def test_all_randomness_is_of_random_state_and_temperatures_may_anneal() -> None:
    X, y = example()
    beta = Temperature(final=1 / 3, initial=2.0, shape="exponential")
    found = []
    for _ in range(2):
        state = torch.get_rng_state()
        found.append(SparseL0Linear(lam=0.2, temperature=beta, **SHORT).fit(X, y).coef_)
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(3)
    np.testing.assert_array_equal(*found)
    assert not np.array_equal(SparseL0Linear(lam=0.2, **SHORT | {"random_state": 1}).fit(X, y).coef_, found[0])


def test_bad_parameters_are_one_clear_error() -> None:
    X, y = example()
    for wrong in ({"lam": -1.0}, {"epochs": 0}, {"lr": 0.0}, {"start_probability": 1.0}, {"temperature": 0.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            SparseL0Linear(**wrong).fit(X, y)
