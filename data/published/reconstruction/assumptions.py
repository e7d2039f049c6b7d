"""What the generative model assumes of quantities that a publication does not print."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumptions:
    """Standard deviations of what is not printed; each has mean zero."""

    effect_sd: float = 0.4  # of the log hazard ratio of a level without a printed one
    difference_sd: float = 0.4  # of the difference between the arms in the log hazard ratio of any level
    # of the loadings behind the correlations of the covariates: with 0.55 pairs correlate with a standard
    # deviation of 0.23, with 0.7 of 0.29
    loading_sd: float = 0.55


STATED = Assumptions()
LOOSE = Assumptions(effect_sd=0.5, difference_sd=0.5, loading_sd=0.7)
