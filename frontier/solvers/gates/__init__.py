"""The Hard Concrete toolbox: gates, noise, and the batched log-space Adam fit."""
