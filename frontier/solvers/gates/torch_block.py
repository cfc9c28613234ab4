"""The same block of cells in torch, for GPUs: the formulas of `frontier.solvers.gates.kernel`, one operation at a time.

All cells sit side by side (n × cells), up to `CELL_BYTES` of state. An epoch needs nothing from the host: temperatures,
keys and step sizes of all epochs lie on the device, and so does the number of the epoch. A GPU therefore records the
operations of one epoch (a CUDA graph) and plays them back, so that small problems do not wait for Python either; the
host catches up with it every `EPOCHS_AHEAD` epochs, so that a time limit and an interrupt are heeded. On the CPU the
block is the kernel's independent check, and trains fits with a mask, which the host draws.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray
from frontier.core.limits import out_of_time
from frontier.core.random import GOLDEN, MIX_1, MIX_2, STREAM_GATES, UNIFORM_MARGIN, key, keys
from frontier.solvers.gates.loss import CAPPED
from frontier.solvers.gates.ordered_sums import OrderedProduct
from frontier.solvers.gates.schedule import BETA_1, BETA_2, EPSILON
from frontier.solvers.gates.training import Fit, Training

ARRAYS = 12  # of n × cells: six of state, the rest work of one epoch
CELL_BYTES = 8 * 2**30  # of those arrays at once: a fixed rule, so that batches do not depend on the device
EPOCHS_AHEAD = 32  # that a GPU is given before it is waited for: milliseconds of a small problem


def cells_at_once(task: Training) -> int:
    """How many cells train side by side on a GPU."""
    size = 4 if task.schedule.precision == "float32" else 8
    return max(1, CELL_BYTES // (ARRAYS * size * task.n_records))


class TorchBlock:
    """Cells in training on `device`; see `frontier.solvers.gates.block.Block`, whose methods it shares."""

    def __init__(self, task: Training, cells: Sequence[Fit], device: torch.device) -> None:
        self.task, self.cells, self.device = task, tuple(cells), device
        self.dtype = torch.float32 if task.schedule.precision == "float32" else torch.float64
        A, b, q = task.loss.augmented
        self.A, self.At = self._product(sp.csr_array(A)), self._product(sp.csr_array(A.T))
        self._sum_of_targets = self._product(sp.csr_array(np.ones((1, len(b)))))
        self.b, self.q = self._tensor(b[:, None]), self._tensor(q[:, None])
        starts = {seed: task.clipped_start(seed) for seed in dict.fromkeys(cell.seed for cell in cells)}
        self._seeds = tuple(starts)
        self._seed_of_cell = torch.tensor([self._seeds.index(cell.seed) for cell in cells], device=device)
        columns = [np.column_stack([starts[cell.seed].scale for cell in cells])]
        alphas = [start.log_alpha for start in (starts[cell.seed] for cell in cells) if start.log_alpha is not None]
        columns += [np.column_stack(alphas)] if task.gates else []
        self.state = [self._tensor(column) for column in columns]
        self.state += [torch.zeros_like(self.state[0]) for _ in range(2 * len(columns))]
        self._lam = self._tensor(np.array([cell.lam for cell in cells]))
        self._limit = None if task.limit is None else self._tensor(task.limit[:, None])
        self._ridge = None if task.ridge is None else self._tensor(task.ridge[:, None])
        self._records = torch.arange(task.n_records, device=device)
        noise_keys = keys(self._seeds, STREAM_GATES, task.schedule.epochs + 1).view(np.int64)  # which torch has
        self._keys = torch.from_numpy(noise_keys).to(device)
        self._constants = self._tensor(_constants(task))
        self._now = torch.zeros(1, dtype=torch.int64, device=device)  # the epoch in training
        self._recorded: torch.cuda.CUDAGraph | None = None
        self.epoch = 0

    def advance(self, until: int) -> None:
        on_gpu = self.device.type == "cuda"
        while self.epoch < until and not out_of_time():
            if self._recorded is not None:
                self._recorded.replay()
            else:  # the first epoch as it is: libraries set themselves up in it
                self._step()
                self._recorded = self._record() if on_gpu and self.task.mask is None else None
            self.epoch += 1
            if on_gpu and self.epoch % EPOCHS_AHEAD == 0:
                torch.cuda.current_stream(self.device).synchronize()

    def _record(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._step()
        return graph

    def scale(self, cell: int) -> FloatArray:
        if not torch.stack([tensor[:, cell].isfinite().all() for tensor in self.state]).all():
            return np.full(self.task.n_records, np.nan)
        return np.asarray(self.state[0][:, cell].double().cpu().numpy())

    def log_alpha(self, cell: int) -> FloatArray | None:
        return np.asarray(self.state[1][:, cell].double().cpu().numpy()) if self.task.gates else None

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        state = {f"state_{k}": tensor.cpu().numpy() for k, tensor in enumerate(self.state)}
        return state | {"epoch": np.array(self.epoch)}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        for k, tensor in enumerate(self.state):
            tensor.copy_(torch.from_numpy(arrays[f"state_{k}"]))
        self.epoch = int(arrays["epoch"])
        self._now.fill_(self.epoch)

    def _step(self) -> None:
        """One epoch, the number of which is on the device: everything below may be recorded, but for a mask."""
        self._now.add_(1)
        beta, step_size, root_size = self._constants.index_select(0, self._now)[0]
        scale, gates = self.state[0], self.task.gates
        weights, slope = scale, None
        if gates is not None:
            noise = _logits(self._keys.index_select(0, self._now), self._records, self.dtype)
            z, slope = gates.sample(noise[:, self._seed_of_cell], self.state[1], beta)
            weights = scale * z
        elif self.task.mask is not None:
            drawn = np.column_stack([self.task.mask(seed, self.epoch + 1) for seed in self._seeds])
            weights = scale * self._tensor(drawn)[:, self._seed_of_cell]
        data = self.At @ self._dual(self.A @ weights)
        if self._ridge is not None:
            data.addcmul_(self._ridge, weights)
        steps = []
        if gates is not None and slope is not None:
            _, penalty_slope = gates.penalty(self.state[1], beta)
            steps.append((data * scale).mul_(slope).addcmul_(penalty_slope, self._lam.expand_as(penalty_slope)))
        by_theta = data.mul_(weights)
        if self.task.lam_l2:
            by_theta.addcmul_(scale, scale, value=2.0 * self.task.lam_l2)
        moments = self.state[len(self.state) // 3 :]
        scale.mul_(self._adam(by_theta, moments[0], moments[1], step_size, root_size).neg_().exp_())
        if self._limit is not None:
            torch.minimum(scale, self._limit, out=scale)
        for by_alpha in steps:
            self.state[1].sub_(self._adam(by_alpha, moments[2], moments[3], step_size, root_size))

    @staticmethod
    def _adam(
        gradient: torch.Tensor,
        first: torch.Tensor,
        second: torch.Tensor,
        step_size: torch.Tensor,
        root_size: torch.Tensor,
    ) -> torch.Tensor:
        """Adam's step (Kingma & Ba 2015, algorithm 1); the moments are updated in place."""
        first.lerp_(gradient, 1 - BETA_1)
        second.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        root = second.sqrt().div_(root_size).add_(EPSILON)
        return (first / root).mul_(step_size)

    def _dual(self, products: torch.Tensor) -> torch.Tensor:
        """`solvers.gates.loss.DataLoss.dual`, through the rescaling to a conserved total where there is one."""
        loss = self.task.loss
        factor = torch.ones((), dtype=self.dtype, device=self.device)
        if loss.total:
            factor = torch.where(products[-1] > 0, loss.total / products[-1], 0.0)
        estimates = products * factor
        residual = estimates - self.b
        if loss.kind == CAPPED:
            dual = self.q * residual.sign() * (residual.abs() < loss.cap)
        else:
            dual = 2.0 * self.q * residual
        if loss.total:  # q is 0 on the last row, whose product is Σw
            dual[-1] = -(self._sum_of_targets @ (dual * estimates))[0] / loss.total
        return dual * factor

    def _tensor(self, array: FloatArray) -> torch.Tensor:
        return torch.tensor(np.ascontiguousarray(array), dtype=self.dtype, device=self.device)

    def _product(self, matrix: sp.csr_array) -> torch.Tensor | OrderedProduct:
        """What gives `matrix @ x`; on a GPU with its sums in one order."""
        if self.device.type == "cuda":
            return OrderedProduct(matrix, self.dtype, self.device)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse (CSR tensor support|invariant checks)")
            return torch.sparse_csr_tensor(
                torch.tensor(matrix.indptr.astype(np.int64)),
                torch.tensor(matrix.indices.astype(np.int64)),
                torch.tensor(matrix.data, dtype=self.dtype),
                size=matrix.shape,
                check_invariants=False,  # SciPy has checked them
            ).to(self.device)


def _constants(task: Training) -> FloatArray:
    """Per epoch from 0: β, the length of Adam's step and what its root is divided by (algorithm 1's corrections)."""
    epoch = np.arange(task.schedule.epochs + 1, dtype=np.float64)
    beta = task.temperatures[:-1] if task.gates else np.ones(len(epoch))
    with np.errstate(divide="ignore"):  # at epoch 0, which is none
        step_size = task.schedule.lr / (1 - BETA_1**epoch)
    return np.column_stack([beta, step_size, np.sqrt(1 - BETA_2**epoch)])


def gate_logits(seeds: tuple[int, ...], epoch: int, records: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """`logit u` of the gates' uniforms of one epoch, n × seeds, for these numbers of records (int64, n)."""
    drawn = [_signed(key(seed, STREAM_GATES, epoch)) for seed in seeds]
    return _logits(torch.tensor([drawn], device=records.device), records, dtype)


def _logits(keys: torch.Tensor, records: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    x = records[:, None] * _signed(GOLDEN) + keys
    for shift, factor in ((30, MIX_1), (27, MIX_2)):
        x ^= _logical_shift(x, shift)
        x *= _signed(factor)
    x ^= _logical_shift(x, 31)
    uniform = _logical_shift(x, 40).to(dtype)  # 24 bits: exact in float32
    return uniform.add_(0.5).mul_(2.0**-24).clamp_(UNIFORM_MARGIN, 1 - UNIFORM_MARGIN).logit_()


def _logical_shift(x: torch.Tensor, bits: int) -> torch.Tensor:
    return (x >> bits) & ((1 << (64 - bits)) - 1)  # torch shifts int64 arithmetically: mask the copied sign


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
