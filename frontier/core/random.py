"""Counter-based noise: every draw is a pure function of (seed, stream, epoch, record), on any device.

Uniforms come from the SplitMix64 finaliser (Steele, Lea & Flood 2014, fig. 14) of a key and a counter, in 64-bit
integer arithmetic that numpy and torch share, so CPU and GPU, batches and single fits, see the same noise. One seed
covers every draw of a method: what it draws for (gates, start values, samples) is a stream of the seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frontier.core.arrays import FloatArray

GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
UNIFORM_MARGIN = 1e-6  # u ~ U(1e-6, 1 − 1e-6), so that its logit stays finite
STREAM_LOG_ALPHA, STREAM_LOG_WEIGHT, STREAM_GATES, STREAM_SUBSET, STREAM_SAMPLE = 1, 2, 3, 4, 5
STREAM_RESAMPLE, STREAM_REPLICATE, STREAM_ROUNDING = 6, 7, 8
STREAM_START_NOISE, STREAM_DROPOUT, STREAM_BATCHES, STREAM_PROBE = 9, 10, 11, 12
STREAM_SKETCH = 13


def key(seed: int, stream: int, epoch: int = 0) -> int:
    """A 64-bit key for one (seed, stream, epoch): three rounds of the finaliser, one per coordinate."""
    value = 0
    for part in (seed, stream, epoch):
        value = _finalise((value ^ part) + GOLDEN)
    return value


def keys(seeds: tuple[int, ...], stream: int, epochs: int) -> NDArray[np.uint64]:
    """`key(seed, stream, epoch)` for every epoch 0 … epochs − 1 and seed, shape (epochs, seeds)."""
    prefixes = [_finalise((_finalise(seed + GOLDEN) ^ stream) + GOLDEN) for seed in seeds]
    x = np.array(prefixes, dtype=np.uint64)[None, :] ^ np.arange(epochs, dtype=np.uint64)[:, None]
    return _mix(x + np.uint64(GOLDEN))


def generator(seed: int, stream: int, epoch: int = 0) -> np.random.Generator:
    """numpy's generator of one (seed, stream, epoch)."""
    return np.random.Generator(np.random.Philox(key=key(seed, stream, epoch)))


def normal(seed: int, stream: int, n: int) -> FloatArray:
    """n standard normal draws of one stream."""
    return generator(seed, stream).standard_normal(n)


def _finalise(value: int) -> int:
    return int(_mix(np.array([value & (1 << 64) - 1], dtype=np.uint64))[0])


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64, entry by entry; arrays wrap at 64 bits as it needs."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(MIX_1)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(MIX_2)
    return x ^ (x >> np.uint64(31))
