"""The non-negative LASSO toolbox: textbook FISTA, exact working sets, and the complete path by homotopy."""
