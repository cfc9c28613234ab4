"""Data frames in, data frames out: metrics of a solution, statistics of a run."""
