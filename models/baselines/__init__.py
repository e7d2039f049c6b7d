"""Baseline hazards by name."""

from models.baselines.baseline import Baseline
from models.baselines.piecewise_exponential import PiecewiseExponential
from models.baselines.weibull import Weibull

BASELINES: dict[str, type[Baseline]] = {
    PiecewiseExponential.name: PiecewiseExponential,
    Weibull.name: Weibull,
}
