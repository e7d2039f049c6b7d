"""The review of one fit: each diagnostic plot with what good looks like, and whether this one is, by a number."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import binom, rankdata

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS
from inference.diagnostics.checks.loo_pit import NAME as LOO_PIT
from inference.diagnostics.rank_test import rank_test
from inference.diagnostics.rhat_ess import ess_bulk, mcse_mean
from inference.fits.datatree import from_tree, to_tree
from inference.fits.fits import FitSummary, read_fit
from inference.fits.requests import FitRequest, problem_of
from inference.report.figures.captions import caption_of
from inference.report.figures.diagnostics import REVIEWED
from inference.report.figures.diagnostics.chosen import main_variables, one_design
from inference.report.figures.diagnostics.pairs import worst_parameters
from inference.report.figures.loo_pit import loo_pit_figure
from inference.report.figures.predictive_split import predictive_split_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.numbers import number
from inference.report.observed_arms import followed_by_arm, followed_by_state

LEVEL = 0.01  # of the ranks of all parameters together
MCSE = 0.05  # of a posterior standard deviation: that of 400 independent draws
STRAIGHT = 0.95  # rank correlation above which two parameters are one
SENSITIVE = 0.05  # of power scaling (Kallioinen and others 2024, doi 10.1007/s11222-023-10366-5)
CHANCE = 0.05  # of a predictive check that warns
SEVERITY = ("info", "pass", "warn", "fail")


@dataclass(frozen=True)
class Reviewed:
    """One plot of a fit, judged."""

    name: str
    title: str
    caption: str
    good: str  # what a good one looks like, in one line
    found: str  # what this one shows, in numbers
    status: str  # "pass", "warn", "fail", or "info" where there is nothing to judge
    draw: Callable[[], Figure]


def review(study: Study, cohort: Cohort, request: FitRequest, fit: xr.DataTree) -> list[Reviewed]:
    """Return the plots of a fit of one cohort with a verdict on each; replicated cohorts and left-out patients are looked at in any case.

    Raises
    ------
    InputError
        Where nothing was sampled.
    """
    if ADJUSTMENTS[request.adjustment].maximises:
        raise InputError(
            f"--diagnostics must name a fit that was sampled, but found {request.label}, whose draws are maximisers; choose another"
        )
    if "log_likelihood" not in fit.children:  # of many cohorts, fits keep less
        problem = problem_of(study, cohort, request)
        fit = to_tree(from_tree(fit, problem, request.adjustment), problem, {})
    summary = read_fit(study, cohort, replace(request, predictive=True, left_out=True), fit)
    return [*_of_chains(summary, fit), *_of_model(summary, fit, cohort)]


def _of_chains(summary: FitSummary, fit: xr.DataTree) -> Iterator[Reviewed]:
    """Yield what says whether the sampler can be believed."""
    names, draws = single_numbers(fit)
    yield _judged(
        "trace",
        "Traces",
        fit,
        "One level, the same in every chain, and no divergences.",
        *_checked(summary, "R-hat", "divergences"),
    )
    p = np.array([rank_test(one) for one in draws])
    known = p[np.isfinite(p)]
    found = (
        f"Smallest p {number(known.min(), 2)}, of {len(known)} parameters; chance gives one below {number(LEVEL / len(known), 2)} in a hundred good fits."
        if len(known)
        else "No parameter has enough independent draws."
    )
    status = "warn" if not len(known) or known.min() < LEVEL / len(known) else "pass"
    yield _judged("rank", "Ranks", fit, "Lines of all chains mingle around zero.", found, status)
    ess = ess_bulk(draws)
    worst = int(np.nanargmin(ess))
    half = float(ess_bulk(draws[worst, :, : draws.shape[-1] // 2]))
    found, status = _checked(summary, "bulk ESS", "tail ESS")
    found += f" Of {names[worst]}, all draws are worth {number(ess[worst] / half, 2)} times the first half of them (2 is proportional)."
    yield _judged(
        "ess_evolution",
        "Effective sample size",
        fit,
        "Grows in proportion with the draws, and ends above 400.",
        found,
        status,
    )
    error = mcse_mean(draws) / draws.std(axis=(1, 2), ddof=1)
    largest = int(np.nanargmax(error))
    yield _judged(
        "mcse",
        "Monte Carlo error",
        fit,
        "Small beside the posterior: the mean is known to 5 % of its standard deviation.",
        f"Largest {number(100 * error[largest], 2)} %, of {names[largest]}.",
        "pass" if error[largest] <= MCSE else "warn",
    )
    yield _judged(
        "energy",
        "Energy",
        fit,
        "Both distributions alike, E-BFMI above 0.3 in every chain.",
        *_checked(summary, "E-BFMI"),
    )
    pairs, _ = worst_parameters(fit)
    together = np.stack([one.to_numpy().ravel() for one in pairs["posterior"].data_vars.values()])
    straight = _largest_correlation(together)
    yield _judged(
        "pairs",
        "Pairs",
        fit,
        "Round clouds: no funnel, no line, no divergences in one place.",
        f"Largest rank correlation of the worst parameters {number(straight, 2)}.",
        "pass" if straight < STRAIGHT else "warn",
    )


def _of_model(summary: FitSummary, fit: xr.DataTree, cohort: Cohort) -> Iterator[Reviewed]:
    """Yield what says whether the model describes the patients, and what its prior does."""
    of_prior, _ = summary.power_scaling
    known = np.isfinite(of_prior)
    yield _judged(
        "prior_posterior",
        "Prior and posterior",
        fit,
        "The posterior is narrower than the prior and lies inside it; scaling the prior hardly moves the effect.",
        f"Sensitivity of the effect to its prior {number(of_prior, 2)}, against {SENSITIVE}."
        if known
        else "Pooled designs have no power scaling; look at the plot.",
        "info" if not known else "pass" if of_prior <= SENSITIVE else "warn",
    )
    if "log_likelihood" in fit.children:
        yield _judged(
            "loo",
            "Single patients",
            fit,
            "No patient above the line: none sways the fit.",
            *_checked(summary, "Pareto k-hat"),
        )
    if "pit" in summary.predicted:
        pits = {summary.request.baseline: (summary.predicted["pit"], summary.value_of(LOO_PIT))}
        yield Reviewed(
            "loo_pit",
            "Left-out patients",
            caption_of("loo_pit"),
            "Lines stay inside the band: times are predicted as often early as late.",
            *_checked(summary, "LOO-PIT"),
            partial(loo_pit_figure, pits),
        )
    made = [one for one in summary.checks if one.family == "predictive" and one.name != LOO_PIT]
    if made and summary.replicated.data_vars:
        warned = sum(one.status != "pass" for one in made)
        split = "state" in summary.replicated.dims
        labels = (
            {} if split else {"treated_label": cohort.treated_label, "control_label": cohort.control_label}
        )
        name = "predictive_split" if split else "predictive_survival"
        figure = predictive_split_figure if split else predictive_survival_figure
        followed = (
            followed_by_state([cohort]) if split else followed_by_arm([cohort], summary.request.exposure)
        )
        worst = "fail" if any(one.status == "fail" for one in made) else "warn"
        yield Reviewed(
            "predictive",
            "Replicated cohorts",
            caption_of(name),
            "The cohort lies among those that the model replicates; one check in twenty warns by chance.",
            f"{warned} of {len(made)} summaries lie outside.",
            "pass" if warned <= binom.ppf(0.95, len(made), CHANCE) and worst != "fail" else worst,
            partial(figure, summary.replicated, summary.observed, followed, cohort.time_unit, **labels),
        )


def _judged(name: str, title: str, fit: xr.DataTree, good: str, found: str, status: str) -> Reviewed:
    return Reviewed(
        name,
        title,
        caption_of(f"diagnostics.{name}"),
        good,
        found,
        status,
        partial(REVIEWED[name], fit, None),
    )


def _checked(summary: FitSummary, *subjects: str) -> tuple[str, str]:
    """Return what the checks of some subjects found, and the worst of their statuses."""
    made = [
        one
        for one in summary.checks
        if one.subject in subjects and one.family in ("convergence", "predictive")
    ]
    if not made:
        return "It was not checked.", "info"
    said = [
        f"{one.subject} {number(float('nan') if one.value is None else one.value, 4)}, {one.text}"
        for one in made
    ]
    return f"{'; '.join(said)}.", max((one.status for one in made), key=SEVERITY.index)


def single_numbers(fit: xr.DataTree) -> tuple[list[str], np.ndarray]:
    """Return the name of every number of a posterior, the first design of several, and its draws (number, chain, draw)."""
    single, _ = one_design(fit, ("posterior",))
    posterior = single["posterior"].to_dataset()
    names, parts = [], []
    for variable in main_variables(posterior):
        values = posterior[variable].transpose("chain", "draw", ...)
        flat = values.to_numpy().reshape(*values.shape[:2], -1).astype(float)
        other = [dim for dim in values.dims if dim not in ("chain", "draw")]
        labels = [str(one) for one in values[other[0]].to_numpy()] if other else [""]
        words = variable.replace("_", " ")
        names += [f"{words}, {label}" if label else words for label in labels]
        parts.append(np.moveaxis(flat, -1, 0))
    return names, np.concatenate(parts)


def _largest_correlation(draws: np.ndarray) -> float:
    """Return the largest absolute rank correlation between rows of draws (number, draw); 0 for a single row."""
    found = np.atleast_2d(np.corrcoef(rankdata(draws, axis=-1)))
    return float(np.abs(found - np.eye(len(found))).max())


def chosen_fit(summaries: Sequence[FitSummary], wanted: str) -> FitRequest:
    """Return the fit that a person names: by its label, by words of it ("weibull cut"), or the worst.

    Of several that match, the first in the order of the analysis is taken.

    Raises
    ------
    InputError
        Where none matches.
    """
    sampled = [one for one in summaries if not ADJUSTMENTS[one.request.adjustment].maximises]
    if wanted == "worst":
        return worst_fit(sampled).request
    words = set(wanted.replace(",", " ").split())
    for one in sampled:
        if words <= {part.strip() for part in one.request.label.split(",")}:
            return one.request
    listed = "; ".join(one.request.label for one in sampled)
    raise InputError(
        f"--diagnostics must be worst or name one of these fits by words of it, but found {wanted!r}: {listed}"
    )


def worst_fit(summaries: Sequence[FitSummary]) -> FitSummary:
    """Return the sampled fit whose chains agree least, by the largest R-hat."""

    def rhat_of(one: FitSummary) -> float:
        value = one.value_of("convergence: R-hat")
        return -np.inf if np.isnan(value) else value

    return max((one for one in summaries if not ADJUSTMENTS[one.request.adjustment].maximises), key=rhat_of)
