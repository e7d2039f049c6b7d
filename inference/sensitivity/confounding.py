"""How the effect moves under an unmeasured binary confounder of stated strength, on a grid of strengths."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.interpolate import RectBivariateSpline
from scipy.special import ndtr

from data.study.cohort import Cohort
from inference.diagnostics.checks.result import CheckResult
from inference.diagnostics.rhat_ess import ess_bulk
from inference.sampling.approximation import approximate_each
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity, approximation_checks
from inference.storage.cache import DATASET, cached
from models.effects import ConstantEffect
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import PriorSet
from models.specification import ModelSpec

EFFECT = "treatment_effect"
MOMENTS = ("mean", "sd")
PROBABILITIES = (0.95, 0.5)
REACHED, BEYOND, BELOW = "reached", "beyond the grid", "below without it"
SYMMETRIC = "symmetric"
FINE = 801  # points of a line on which a crossing is looked for
CHECKED = ("hazard_ratio", "difference", "mean", "sd", "sampled_mean", "sampled_sd", "ess")
NEEDED = ("line", "probability", "hazard_ratio", "difference", "state")


@dataclass(frozen=True)
class Strengths:
    """How strong the confounder may be: two axes, and what is held."""

    prevalence_treated: float = 0.2  # share of the treated who have the harmful condition; held at this value
    # of patients with the condition against those without; rising from 1
    hazard_ratios: tuple[float, ...] = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0)
    # by how much the share is higher among the untreated; rising from 0
    differences: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)

    def __post_init__(self) -> None:
        axes = (("hazard ratios", self.hazard_ratios, 1.0), ("differences", self.differences, 0.0))
        for name, values, first in axes:
            if len(values) < 2 or values[0] != first or np.any(np.diff(values) <= 0):
                raise ValueError(f"the {name} must rise from {first:g}, but found {values}")
        low, high = self.prevalence_treated, self.prevalence_treated + self.differences[-1]
        if not 0.0 < low < high < 1.0:
            raise ValueError(f"the prevalences must be between 0 and 1, but found {low:g} to {high:g}")

    def confounder(self, ratio: float, difference: float) -> UnmeasuredConfounder:
        """Return the confounder of a cell."""
        held = self.prevalence_treated
        return UnmeasuredConfounder(held, held + difference, float(np.log(ratio)))


@dataclass(frozen=True, eq=False)
class ConfoundingGrid:
    """Normal approximations of the log hazard ratio of treatment, by the strength of the confounder.

    Attributes
    ----------
    strengths : Strengths
    mean, sd : ndarray (cohort, ratio, difference)
        Of the log hazard ratio.
    checked : DataFrame
        Cells that were sampled too: `CHECKED`, shift (of the mean, in sampled standard deviations), sd_ratio.
    """

    strengths: Strengths
    mean: np.ndarray
    sd: np.ndarray
    checked: pd.DataFrame


STRENGTHS = Strengths()


@cached(DATASET)
def confounding_of_cohort(
    cohort: Cohort,
    number: int,
    spec: ModelSpec,
    priors: PriorSet,
    settings: SamplerSettings,
    strengths: Strengths = STRENGTHS,
) -> xr.Dataset:
    """Return the posterior of the effect for every strength, covariates in the outcome model and no propensity score.

    Of the first cohort (number 0) three cells are sampled too, as the settings say: no confounder, a middling and the strongest.
    `spec` gives the baseline; its effect must be constant.

    Returns
    -------
    Dataset
        mean, sd (ratio, delta) of the log hazard ratio; of the first cohort the columns `CHECKED` (cell) too; attribute
        prevalence_treated.
    """
    if not isinstance(spec.effect, ConstantEffect):
        raise ValueError(f"the effect must be constant, but found {spec.effect.name}")
    shape = (len(strengths.hazard_ratios), len(strengths.differences))

    def posterior(row: int, column: int) -> Posterior:
        unmeasured = strengths.confounder(strengths.hazard_ratios[row], strengths.differences[column])
        return Posterior(cohort, replace(spec, score="absent", exposure=unmeasured), priors)

    # A condition that does nothing is the same at every prevalence: one posterior for the first row.
    cells = [(row + 1, column) for row, column in np.ndindex(shape[0] - 1, shape[1])]
    found = approximate_each((posterior(*cell) for cell in [(0, 0), *cells]), EFFECT)
    moments = np.empty((2, *shape))
    moments[:, 0] = np.array(found[0])[:, None]
    moments[:, 1:] = np.array(found[1:]).T.reshape(2, shape[0] - 1, shape[1])
    computed = xr.Dataset(
        {name: (("ratio", "delta"), values) for name, values in zip(MOMENTS, moments, strict=True)},
        coords={"ratio": list(strengths.hazard_ratios), "delta": list(strengths.differences)},
        attrs={"prevalence_treated": strengths.prevalence_treated},
    )
    if number > 0:
        return computed
    rows = []
    for cell in ((0, 0), (shape[0] // 2, shape[1] // 2), (shape[0] - 1, shape[1] - 1)):
        drawn = sample(posterior(*cell), settings).parameters[EFFECT]
        at = (strengths.hazard_ratios[cell[0]], strengths.differences[cell[1]])
        rows.append((*at, *moments[:, *cell], drawn.mean(), drawn.std(), ess_bulk(drawn[None])[0]))
    columns = zip(CHECKED, np.array(rows, dtype=float).T, strict=True)
    return computed.assign({f"checked_{name}": ("cell", values) for name, values in columns})


def pooled_confounding(computed: Sequence[xr.Dataset]) -> ConfoundingGrid:
    """Return what the results of `confounding_of_cohort` say together."""
    first = computed[0]
    checked = pd.DataFrame({name: first[f"checked_{name}"].to_numpy() for name in CHECKED})
    checked["shift"] = (checked["mean"] - checked["sampled_mean"]) / checked["sampled_sd"]
    checked["sd_ratio"] = checked["sd"] / checked["sampled_sd"]
    strengths = Strengths(
        float(first.attrs["prevalence_treated"]),
        tuple(first["ratio"].to_numpy().tolist()),
        tuple(first["delta"].to_numpy().tolist()),
    )
    mean, sd = (np.stack([one[name].to_numpy() for one in computed]) for name in MOMENTS)
    return ConfoundingGrid(strengths, mean, sd, checked)


def confounding_checks(grid: ConfoundingGrid) -> list[CheckResult]:
    """Return how far the normal approximation is from draws, over the cells that were sampled."""
    shift = float(grid.checked["shift"].abs().max())
    ratio = float((grid.checked["sd_ratio"] - 1.0).abs().max())
    return approximation_checks("confounding grid", {"mean": shift, "sd": ratio})


def effect_at(grid: ConfoundingGrid, hazard_ratio: np.ndarray, difference: np.ndarray) -> pd.DataFrame:
    """Return the pooled posterior of the treatment's hazard ratio at strengths on or between the cells of a grid.

    Parameters
    ----------
    grid : ConfoundingGrid
    hazard_ratio, difference : ndarray (point,)
        Within the grid. Mean and log standard deviation are interpolated by cubic splines over log hazard ratio and
        difference, for each cohort.

    Returns
    -------
    DataFrame
        median, lower, upper (95 %) and probability_of_benefit of the equally weighted mixture over cohorts, a row a point.
    """
    mean, sd = _moments_at(grid, hazard_ratio, difference)
    median, lower, upper = (np.exp(_mixture_quantile(mean, sd, q)) for q in (0.5, 0.025, 0.975))
    benefit = ndtr(-mean / sd).mean(axis=0)
    return pd.DataFrame({"median": median, "lower": lower, "upper": upper, "probability_of_benefit": benefit})


def needed_strength(grid: ConfoundingGrid) -> pd.DataFrame:
    """Return how strong the confounder must be for the probability of benefit to fall to each of `PROBABILITIES`.

    Returns
    -------
    DataFrame
        Columns `NEEDED`. A line is a difference in prevalence above 0, along which the
        hazard ratio grows; or "symmetric": the condition multiplies the hazard by as much as it is more common among the untreated.
        State is "reached", "beyond the grid", or "below without it", where no confounder is needed; the hazard ratio
        is a number only where it is reached.
    """
    held, largest = grid.strengths.prevalence_treated, grid.strengths.hazard_ratios[-1]
    widest = min(largest, 1.0 + grid.strengths.differences[-1] / held)
    grown = np.geomspace(1.0, widest, FINE)
    lines = [(SYMMETRIC, grown, held * (grown - 1.0))]
    for difference in grid.strengths.differences[1:]:
        along = np.full(FINE, float(difference))
        lines.append((f"{difference:g}", np.geomspace(1.0, largest, FINE), along))
    rows = []
    for line, ratios, along in lines:
        mean, sd = _moments_at(grid, ratios, along)
        benefit = ndtr(-mean / sd).mean(axis=0)
        for probability in PROBABILITIES:
            state, place = _crossing(benefit, probability)
            ratio = np.exp(np.interp(place, range(FINE), np.log(ratios)))
            difference = held * (ratio - 1.0) if line == SYMMETRIC else along[0]
            rows.append((line, probability, float(ratio), float(difference), state))
    return pd.DataFrame(rows, columns=pd.Index(NEEDED))


def _moments_at(
    grid: ConfoundingGrid, hazard_ratio: np.ndarray, difference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (cohort, point) between the cells."""
    axes = (np.log(grid.strengths.hazard_ratios), np.asarray(grid.strengths.differences))
    kx, ky = (min(3, len(axis) - 1) for axis in axes)

    def between(values: np.ndarray) -> np.ndarray:
        splines = [RectBivariateSpline(*axes, one, kx=kx, ky=ky) for one in values]
        return np.stack([spline.ev(np.log(hazard_ratio), difference) for spline in splines])

    return between(grid.mean), np.exp(between(np.log(grid.sd)))


def _mixture_quantile(mean: np.ndarray, sd: np.ndarray, level: float) -> np.ndarray:
    """Return a quantile of an equally weighted mixture of normals (cohort, point), by bisection."""
    low, high = (mean - 10 * sd).min(axis=0), (mean + 10 * sd).max(axis=0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = ndtr((middle - mean) / sd).mean(axis=0) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


def _crossing(benefit: np.ndarray, probability: float) -> tuple[str, float]:
    """Return whether and where (a fractional position) a line first falls to a probability."""
    reached = np.flatnonzero(benefit <= probability)
    if not len(reached):
        return BEYOND, np.nan
    at = int(reached[0])
    if at == 0:
        return BELOW, np.nan
    return REACHED, at - (probability - benefit[at]) / (benefit[at - 1] - benefit[at])


def _arguments(analysis: MainAnalysis) -> list[tuple]:
    main = analysis.main
    return [
        (cohort, number, analysis.spec, main.priors, main.settings)
        for number, cohort in enumerate(analysis.cohorts)
    ]


CONFOUNDING = Sensitivity(
    "confounding",
    "unmeasured confounding",
    lambda analysis: analysis.naive,
    confounding_of_cohort,
    _arguments,
    pooled_confounding,
    confounding_checks,
)
