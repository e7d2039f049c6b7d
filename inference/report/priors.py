"""What the priors say: of survival before the patients are seen, and beside the posterior."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.fits.requests import problem_of
from inference.predictive.prior_draws import prior_survival
from inference.report.figures.prior_survival import prior_survival_figure
from inference.report.figures.priors import prior_posterior_figure
from inference.report.numbers import number
from inference.report.results import Results

PRIOR_DRAWS = 2000
MAIN_PARAMETERS = {
    "treatment_effect": "Log hazard ratio of treatment",
    "propensity_effect": "Effect of the propensity score",
    "log_hazard_level": "Log hazard, first interval",
    "log_hazard_step_sd": "Step between intervals (sd)",
    "median_survival": "Median survival",
    "weibull_shape": "Weibull shape",
}


def main_draws(group: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the draws of the single-number parameters of a posterior or prior, laid end to end."""
    return {
        name: group[name].to_numpy().ravel()
        for name in MAIN_PARAMETERS
        if name in group and set(group[name].dims) <= {"chain", "draw", "design"}
    }


def prior_survival_of(results: Results) -> Figure:
    """Draw the prior's survival of an average untreated patient, under the main model."""
    request, cohort = results.main.request, results.cohort
    last = float(cohort.time.max())
    times = np.linspace(0.0, last, 101)
    baseline = problem_of(results.study, cohort, request).spec.baseline
    curves = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
    return prior_survival_figure(times, curves, last, cohort.time_unit)


def prior_posterior_of(results: Results) -> Figure:
    """Draw prior and posterior of the main fit's single numbers."""
    prior, posterior = (main_draws(results.main_fit[group].to_dataset()) for group in ("prior", "posterior"))
    return prior_posterior_figure(prior, posterior, MAIN_PARAMETERS)


def prior_statements(results: Results) -> list[str]:
    """Return what each prior set says of survival before the patients are seen; sets that say the same stand together."""
    names: dict[str, list[str]] = {}
    for summary in (results.main, *results.prior_sets):
        request, cohort = summary.request, results.cohort
        baseline = problem_of(results.study, cohort, request).spec.baseline
        times = np.geomspace(cohort.time.max() / 1000, cohort.time.max() * 1000, 400)
        drawn = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
        reached = np.argmax(drawn <= 0.5, axis=1)
        medians = np.where((drawn <= 0.5).any(axis=1), times[reached], np.inf)
        low, middle, high = np.quantile(medians, [0.025, 0.5, 0.975], method="inverted_cdf")
        said = (
            f"median time of an untreated average patient {number(middle)} {cohort.time_unit}, between {number(low)} and "
            f"{number(high)} (95 %)."
        )
        names.setdefault(said, []).append(request.priors.name)
    return [
        f"Prior set{'s' if len(sets) > 1 else ''} {', '.join(sets)}: {said}" for said, sets in names.items()
    ]
