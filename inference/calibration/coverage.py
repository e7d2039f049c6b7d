"""Coverage: how often intervals hold a known truth, over simulated cohorts, under every adjustment and exposure."""

from dataclasses import dataclass, field, replace

import numpy as np

from data.simulation.simulate import simulate_cohort
from data.simulation.truth import (
    PiecewiseHazard,
    Truth,
    WeibullHazard,
    rmst_difference_of_patients,
    true_rmst_difference,
)
from data.study.cohort import Cohort
from data.study.subcohorts import landmark_cohort
from inference.adjustments import ADJUSTMENTS, AdjustedSample, Problem
from inference.adjustments.adjusted import silent
from inference.estimands import ESTIMANDS
from inference.estimands.curves import standardise, time_grid
from inference.sampling.engine import SamplerSettings
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import EXPOSURES
from models.priors import PriorSet
from models.specification import ModelSpec

PATIENTS, HORIZON, LANDMARK = 400, 48.0, 6.0
CUTPOINTS = (3.0, 6.0, 12.0, 24.0, 36.0)  # fine enough for exposure that begins early
HAZARDS = {
    "piecewise_exponential": PiecewiseHazard((12.0, 36.0), (0.02, 0.03, 0.015)),
    "weibull": WeibullHazard(30.0, 1.2),
}
SETTINGS = SamplerSettings(chains=2, draws=500, tune=300)
DESIGNS = {"cut": 5, "matched": 5, "iptw": 1000, "overlap": 1000}
STRONG = Truth(
    treatment={"age": 0.07, "grade[T.II]": 0.7, "grade[T.III]": 1.4},
    outcome={"age": 0.04, "grade[T.II]": 0.5, "grade[T.III]": 1.0},
)
WEAK = Truth(treatment={"age": 0.02, "grade[T.III]": 0.4}, outcome={"age": 0.02, "grade[T.III]": 0.4})
LATE = Truth(log_hazard_ratio=0.0, treatment_intercept=1.0, mean_delay=8.0)


@dataclass(frozen=True)
class Scenario:
    """A truth, and how exposure to treatment is counted.

    Attributes
    ----------
    truth : Truth
        Its baseline hazard is replaced by that of the model.
    adjustments : tuple of str
    exposure : str
        naive, time_split or landmark.
    """

    truth: Truth
    adjustments: tuple[str, ...] = field(default_factory=lambda: tuple(ADJUSTMENTS))
    exposure: str = "naive"


SCENARIOS: dict[str, Scenario] = {
    "weak confounding": Scenario(WEAK),
    "strong confounding": Scenario(STRONG),
    "delayed entry": Scenario(replace(STRONG, latest_entry=18.0, closing=90.0)),
    "three quarters censored": Scenario(replace(STRONG, accrual=10.0, closing=16.0)),
    "late treatment, split in time": Scenario(
        replace(LATE, log_hazard_ratio=-0.4), ("none", "joint"), "time_split"
    ),
    "late treatment, no effect, at a landmark": Scenario(LATE, exposure="landmark"),
}


@dataclass(frozen=True)
class Cell:
    """One model in one scenario.

    Attributes
    ----------
    scenario, baseline, adjustment : str
    """

    scenario: str
    baseline: str
    adjustment: str


CELLS: tuple[Cell, ...] = tuple(
    Cell(name, baseline, adjustment)
    for name, scenario in SCENARIOS.items()
    for baseline in HAZARDS
    for adjustment in scenario.adjustments
)


@dataclass(frozen=True)
class Estimated:
    """What one cohort gave for one quantity.

    Attributes
    ----------
    error : float
        Posterior mean less the truth.
    sd : float
        Of the posterior.
    place : float
        Share of the draws below the truth: in the middle 95 % of (0, 1) where the interval holds it.
    """

    error: float
    sd: float
    place: float


def estimated(cell: Cell, number: int, seed: int) -> dict[str, Estimated]:
    """Return the difference in restricted mean survival, and where it is conditional the log hazard ratio, of one cohort.

    Parameters
    ----------
    cell : Cell
    number : int
        Of the cohort; all cells of a scenario and baseline have the same cohorts.
    seed : int
    """
    scenario = SCENARIOS[cell.scenario]
    truth = replace(scenario.truth, baseline=HAZARDS[cell.baseline])
    (cohort_seed,) = np.random.SeedSequence(
        [seed, list(SCENARIOS).index(cell.scenario), list(HAZARDS).index(cell.baseline), number]
    ).generate_state(1)
    cohort, origin = simulate_cohort(truth, PATIENTS, int(cohort_seed)), 0.0
    if scenario.exposure == "landmark":
        cohort, origin = landmark_cohort(cohort, LANDMARK), LANDMARK
    horizon = min(HORIZON, float(np.floor(truth.closing - truth.accrual)) + truth.accrual / 2)
    baseline = PiecewiseExponential(tuple(cut for cut in CUTPOINTS if origin < cut < horizon))
    spec = ModelSpec(
        baseline if cell.baseline == "piecewise_exponential" else Weibull(),
        EFFECTS["constant"](),
        exposure=EXPOSURES[scenario.exposure](),
    )
    settings = replace(SETTINGS, seed=int(cohort_seed))
    problem = Problem(cohort, spec, PriorSet("default"), settings, DESIGNS.get(cell.adjustment, 1))
    kind = ADJUSTMENTS[cell.adjustment]
    adjusted = kind.sample(problem, silent)
    grid = time_grid(spec.cutpoints, horizon, (), float(cohort.time.max()))
    rng = np.random.default_rng(int(cohort_seed))
    curves = [standardise(one, cohort, grid, rng, kind.population, origin) for one in adjusted.designs]
    rmst = np.concatenate([ESTIMANDS["rmst_difference"].draws(one)[0, 0] for one in curves])
    found = {
        "rmst_difference": _held(rmst, _true_difference(truth, scenario, kind.population, adjusted, horizon))
    }
    if not kind.population:
        effect = np.concatenate([one.parameters["treatment_effect"].ravel() for one in adjusted.designs])
        found["log_hazard_ratio"] = _held(effect, truth.log_hazard_ratio)
    return found


def _true_difference(
    truth: Truth, scenario: Scenario, population: str, adjusted: AdjustedSample, horizon: float
) -> float:
    if truth.log_hazard_ratio == 0:
        return 0.0
    assert scenario.exposure != "landmark", "those who begin after a landmark are among its controls"
    if population == "matched":
        pairs: list[Cohort] = [one.posterior.cohort for one in adjusted.designs]
        return float(np.mean([rmst_difference_of_patients(truth, one.covariates, horizon) for one in pairs]))
    return true_rmst_difference(truth, horizon, population or "all")


def _held(draws: np.ndarray, truth: float) -> Estimated:
    return Estimated(float(draws.mean() - truth), float(draws.std(ddof=1)), float((draws < truth).mean()))
