"""All shared maths: residuals, the objectives methods minimise, their certificates, and weight statistics.

Every loss is a function of the relative residual `r = (M w − y)/scale`. Importance ω is folded into the *weighted
design* `A = √ω·M/scale`, `b = √ω·y/scale`, so that `½ Σ ω_j r_j² = ½‖A w − b‖²` and every formula below holds for any
ω. An objective is a declaration ("this is what I minimised"); the harness evaluates it in float64 from the weights
alone. No solver lives here.
"""
