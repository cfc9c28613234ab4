"""Survey sampling: inclusion probabilities, systematic sampling, balanced sampling. Knows no method."""
