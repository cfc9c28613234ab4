"""The non-negative LASSO toolbox: the active-set kernel and what is built on it."""
