"""Standardised survival: what would be seen if the whole population were treated, and if none of it were.

Each draw of the model's parameters is joined with a draw of the population: Bayesian bootstrap weights of the patients
(Rubin 1981, doi 10.1214/aos/1176345338), so that the covariate distribution is uncertain too.
"""

from dataclasses import dataclass

import numpy as np

from data.study.cohort import Cohort
from inference.adjustments.adjusted import DesignSample, flat_draws
from inference.estimands.mixture import Mixture, mixture
from inference.estimands.populations import cumulative_to_entry, population_weights
from models.components import Values
from models.effects.changing import ChangingRatio
from models.intervals import interval_of
from models.predictors import covariate_predictor
from models.specification import ModelSpec

ARMS = ("control", "treated")
POPULATIONS = ("all", "treated", "overlap")
PANELS = 10  # of the quadrature, besides those between cut points
NODES_PER_PANEL = 6
DISPLAY_POINTS = 100


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """Times at which curves are evaluated, in the study's time unit.

    Attributes
    ----------
    time : ndarray (time,)
        Strictly increasing, from 0 to the last follow-up or the horizon, whichever is later.
    quadrature : ndarray (time,)
        Weights of a Gauss-Legendre rule on [0, horizon]; 0 at times that serve only for display.
    display : ndarray of int
        Positions of the times for figures.
    horizon : float
        Of the restricted mean.
    times : tuple of float
        Of the survival probabilities; every one is in `time`.
    last : float
        Last follow-up.
    ends : (float, float)
        Last follow-up of the controls and of the treated: a median beyond it is not reached, and what lies beyond it is
        extrapolated.
    """

    time: np.ndarray
    quadrature: np.ndarray
    display: np.ndarray
    horizon: float
    times: tuple[float, ...]
    last: float
    ends: tuple[float, float]

    def at(self, wanted: float) -> int:
        """Return the position of a time of the grid."""
        return int(np.searchsorted(self.time, wanted))


def time_grid(
    cutpoints: tuple[float, ...],
    horizon: float,
    times: tuple[float, ...],
    last: float,
    ends: tuple[float, float] | None = None,
) -> TimeGrid:
    """Return a grid that holds quadrature nodes between cut points, the times asked for, and times for display.

    `ends` of the arms are the last follow-up of all unless stated.
    """
    inner = [cut for cut in cutpoints if cut < horizon]
    edges = np.unique(np.concatenate([inner, np.linspace(0.0, horizon, PANELS + 1)]))
    nodes, weights = np.polynomial.legendre.leggauss(NODES_PER_PANEL)
    half = 0.5 * np.diff(edges)[:, None]
    at = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
    end = max(last, horizon)
    cuts = np.array([cut for cut in cutpoints if cut < end])
    # A time just beyond each cut point lets the hazard jump there, in figures too.
    shown = np.unique(
        np.concatenate([np.linspace(0.0, end, DISPLAY_POINTS + 1), cuts, np.nextafter(cuts, end)])
    )
    time = np.unique(np.concatenate([shown, at, edges, times, [last]]))
    quadrature = np.zeros(len(time))
    np.add.at(quadrature, np.searchsorted(time, at), (half * weights).ravel())
    return TimeGrid(
        time, quadrature, np.searchsorted(time, shown), horizon, tuple(times), last, ends or (last, last)
    )


@dataclass(frozen=True, eq=False)
class Curves:
    """Draws of the marginal survival and hazard of each arm.

    Attributes
    ----------
    grid : TimeGrid
        Their times.
    survival, hazard : ndarray (population, arm, draw, time)
        Probability of surviving beyond the time; deaths per time unit among those alive.
    log_hazard_ratio : ndarray (row, draw)
        Conditional effects: one if it is constant, one an interval, or that of the average patient and of each level.
    effects : tuple of (str, float or None)
        Subgroup and end of the interval of each of them; "" for the average patient, None for all times.
    average_log_hazard : ndarray (draw, time)
        Log hazard of an untreated patient with average covariates.
    """

    grid: TimeGrid
    survival: np.ndarray
    hazard: np.ndarray
    log_hazard_ratio: np.ndarray
    effects: tuple[tuple[str, float | None], ...]
    average_log_hazard: np.ndarray


def standardise(
    design: DesignSample,
    cohort: Cohort,
    grid: TimeGrid,
    rng: np.random.Generator,
    population: str = "",
    origin: float = 0.0,
) -> Curves:
    """Return the survival of each population had all of it been treated, and had none.

    Parameters
    ----------
    design : DesignSample
        Draws of the outcome model and of the propensity.
    cohort : Cohort
    grid : TimeGrid
        Where to evaluate.
    rng : numpy.random.Generator
        Draws the Bayesian bootstrap weights.
    population : str
        Of an outcome model with treatment alone: the one that its arms stand for, so that nothing is averaged over.
    origin : float
        Time of a landmark: survival is that of those who are alive then, and 1 before.

    Returns
    -------
    Curves
        Of that population, or in the order of `POPULATIONS`: all patients, the treated, and the overlap population, in which a
        patient counts by e (1 - e), e the probability of treatment (Li, Morgan and Zaslavsky 2018,
        doi 10.1080/01621459.2016.1260466). With delayed entry all of them are as they were at the origin.
    """
    parts = [_standardised(part, cohort, grid, rng, population, origin) for part in design.parts()]
    if len(parts) == 1:
        return parts[0]
    return Curves(
        grid,
        np.concatenate([part.survival for part in parts], axis=2),
        np.concatenate([part.hazard for part in parts], axis=2),
        np.concatenate([part.log_hazard_ratio for part in parts], axis=1),
        parts[0].effects,
        np.concatenate([part.average_log_hazard for part in parts]),
    )


def _standardised(
    design: DesignSample,
    cohort: Cohort,
    grid: TimeGrid,
    rng: np.random.Generator,
    population: str,
    origin: float,
) -> Curves:
    """Return the curves of some draws of a design."""
    spec = design.posterior.spec
    assert spec is not None, "the outcome model is asked for"
    baseline = spec.baseline
    parameters = flat_draws(design.parameters)
    content = design.posterior.content(design.posterior.blocks)
    draws = len(parameters["treatment_effect"])
    if population:
        log_risk, weights = np.zeros((draws, 1)), np.ones((1, draws, 1))
    else:
        log_risk = np.broadcast_to(covariate_predictor(parameters, content, np), (draws, cohort.size))
        unseen = cumulative_to_entry(design, cohort, origin)
        weights = population_weights(np.asarray(design.propensity), cohort.treatment, draws, rng, unseen)
    # The grid holds the next number after each cut point: at a landmark no hazard has cumulated by then.
    later = grid.time > origin * (1.0 + 1e-9)
    counted = np.where(later, grid.time, origin)
    basis = baseline.basis(counted, np.full(len(counted), origin))
    at_zero = np.where(grid.time > 0, grid.time, grid.time[1])  # a falling Weibull hazard is infinite at 0
    average_log_hazard = baseline.log_hazard(parameters, baseline.basis(at_zero), np)
    cumulative = np.where(later, baseline.cumulative_hazard(parameters, basis, np), 0.0)
    by_arm = np.stack([cumulative, _treated_hazard(spec, parameters, cumulative, counted, origin)], axis=1)
    last = interval_of(grid.time, spec.effect.cutpoints)
    ratios = spec.effect.log_ratios(parameters)[:, last]
    effect = (np.zeros_like(ratios), np.broadcast_to(ratios, cumulative.shape))
    survival, hazard = [], []
    for mixed, arm in zip(_mixtures(design, log_risk, weights, by_arm[:, :, later]), (0, 1), strict=True):
        surviving, factor = mixed.evaluate(by_arm[:, arm])
        survival.append(surviving)
        own = factor * np.exp(average_log_hazard + effect[arm])
        hazard.append(np.where(grid.time >= origin, own, 0.0))
    reported = spec.effect.reported(parameters, cohort, grid.last)
    return Curves(
        grid,
        np.stack(survival, 1),
        np.stack(hazard, 1),
        np.stack([one.draws for one in reported]),
        tuple((one.subgroup, one.time) for one in reported),
        average_log_hazard,
    )


def _treated_hazard(
    spec: ModelSpec, parameters: Values, cumulative: np.ndarray, time: np.ndarray, origin: float
) -> np.ndarray:
    """Return the cumulative hazard (draw, time) from the origin on of the average patient, treated all along."""
    cuts = spec.effect.cutpoints
    if not cuts:
        return cumulative * np.exp(spec.effect.log_ratios(parameters))
    lines = ChangingRatio.of_draws(spec.effect, spec.baseline, parameters)

    def until(times: np.ndarray) -> np.ndarray:
        untreated = spec.baseline.cumulative_hazard(parameters, spec.baseline.basis(times), np)
        return lines.treated(untreated, interval_of(times, cuts))

    return np.where(cumulative > 0, until(time) - until(np.array([origin])), 0.0)


def _mixtures(
    design: DesignSample, log_risk: np.ndarray, weights: np.ndarray, positive: np.ndarray
) -> tuple[Mixture, Mixture]:
    """Return the population's mixture in each arm: the same one, unless treatment helps some patients more than others."""
    posterior = design.posterior
    assert posterior.spec is not None, "the outcome model is asked for"
    content = posterior.content(posterior.blocks)
    shift = posterior.spec.effect.modification(flat_draws(design.parameters), content, np)
    if shift is None:
        both = mixture(log_risk, weights, positive.min(axis=(1, 2)), positive.max(axis=(1, 2)))
        return both, both
    own = (log_risk, log_risk + shift)
    control, treated = (
        mixture(risk, weights, positive[:, arm].min(axis=1), positive[:, arm].max(axis=1))
        for arm, risk in enumerate(own)
    )
    return control, treated
