"""Hard Concrete gates as torch modules; importing this loads torch, importing frontier does not.

The distribution's formulas and constants are those of the compiled fit (`solvers.gates.gates`), its noise too. State
dicts of `l0-python` load. Where that has another name for the same: `HardConcrete` is `HardConcreteGates` here,
`compute_l0_penalty` `l0_penalty`, `get_active_parameter_count` `active_parameters`, `get_sparsity_stats` `sparsity`,
`update_temperatures` `set_temperature`, `PenaltyTracker` `Tracker`, `TemperatureScheduler` `Temperature`, `prune_model`
the layers' own `prune`.
"""

from frontier.solvers.gates.gates import HardConcrete
from frontier.solvers.gates.modules.distribution import HardConcreteGates
from frontier.solvers.gates.modules.layers import L0Conv2d, L0DepthwiseConv2d, L0Linear, SparseMLP
from frontier.solvers.gates.modules.penalties import (
    Sparsity,
    active_parameters,
    l0_penalty,
    l0l2_penalty,
    l2_penalty,
    set_temperature,
    sparsity,
)
from frontier.solvers.gates.modules.selectors import FeatureGate, HybridGate, L0Gate, SampleGate
from frontier.solvers.gates.modules.tracker import Tracker
from frontier.solvers.gates.schedule import Temperature

__all__ = [
    "FeatureGate",
    "HardConcrete",
    "HardConcreteGates",
    "HybridGate",
    "L0Conv2d",
    "L0DepthwiseConv2d",
    "L0Gate",
    "L0Linear",
    "SampleGate",
    "SparseMLP",
    "Sparsity",
    "Temperature",
    "Tracker",
    "active_parameters",
    "l0_penalty",
    "l0l2_penalty",
    "l2_penalty",
    "set_temperature",
    "sparsity",
]
