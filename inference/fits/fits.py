"""The summary of one fit: estimands, curves, predictive summaries and checks."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr

from data.published.evidence import load_evidence
from data.study.cohort import Cohort
from data.study.pseudo_cohorts import of_pseudo_patients
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS, AdjustedSample, Problem
from inference.diagnostics.checks.convergence import convergence_checks, parameter_draws
from inference.diagnostics.checks.counted import (
    counted_balance,
    counted_overlap_checks,
    counted_predictive_checks,
)
from inference.diagnostics.checks.designs import balance_behind, design_checks
from inference.diagnostics.checks.exposure import exposure_checks
from inference.diagnostics.checks.feedback import feedback_checks
from inference.diagnostics.checks.loo_pit import loo_pit_checks
from inference.diagnostics.checks.notes import extrapolation_checks, median_notes, time_ratio_note
from inference.diagnostics.checks.overlap import overlap_checks
from inference.diagnostics.checks.predictive import predictive_checks, split_predictive_checks
from inference.diagnostics.checks.result import CheckResult, checks_table
from inference.diagnostics.checks.treatment_calibration import treatment_calibration_checks
from inference.diagnostics.loo import leave_one_out
from inference.diagnostics.power_scaling import power_scaling
from inference.diagnostics.predicted import predictions
from inference.estimands.horizon import report_grid, report_times
from inference.fits.datatree import from_tree, predictive
from inference.fits.requests import FitRequest, landmark_of, problem_of
from inference.fits.tables import COLUMNS, Estimated, estimate, thin
from inference.predictive.pointwise import left_out_patients
from inference.predictive.replicates.split_statistics import split_statistics
from inference.predictive.replicates.statistics import replicate_statistics
from models.specification import study_cutpoints

type Replicated = xr.Dataset | xr.DataTree  # event and time (chain=1, draw, patient) of replicated cohorts


@dataclass(frozen=True, eq=False)
class FitSummary:
    """What a fit of one cohort, or the fits of several, say of the estimands.

    Attributes
    ----------
    request : FitRequest
    estimands : DataFrame
        Rows of the contract's estimands.csv.
    curves : Dataset
        Summaries of the standardised curves.
    replicated, observed : Dataset
        Frequentist summaries of replicated cohorts, and of the cohort; empty where the request leaves them out.
    elpd : ndarray (patient,)
        Leave-one-out log density of each patient's time; NaN where the request leaves it out.
    checks : tuple of CheckResult
        Without the name of the fit.
    propensity : ndarray (patient,)
        Probability of treatment at its posterior mean.
    power_scaling : tuple of float
        Sensitivity of the treatment effect to its prior, and to the likelihood.
    draws : Dataset
        Evenly spaced draws for pooling over cohorts: estimand (row, chain, draw, unit) in the order of the table, and
        parameter (parameter_name, chain, draw, unit); a unit is a design of a cohort.
    curve_draws : Dataset
        The same of the curves.
    published : Dataset
        Of pseudo-patients: what the publication would have printed of replicated studies, replicated
        (replicate, target), with what it does print; else empty.
    balance : DataFrame
        Of an adjustment that makes the arms alike: term, difference_before, difference_after; else empty.
    predicted : Dataset
        From `predictions`: how well times and treatments were predicted; without what the request leaves out.
    pooling : DataFrame
        Of a summary pooled over cohorts: variance within and between them, fraction of missing information; else
        empty.
    key : str
        Digest of all that decides the summary.
    """

    request: FitRequest
    estimands: pd.DataFrame
    curves: xr.Dataset
    replicated: xr.Dataset
    observed: xr.Dataset
    elpd: np.ndarray
    checks: tuple[CheckResult, ...]
    propensity: np.ndarray
    power_scaling: tuple[float, float]
    draws: xr.Dataset
    curve_draws: xr.Dataset
    published: xr.Dataset = field(default_factory=xr.Dataset)
    balance: pd.DataFrame = field(default_factory=pd.DataFrame)
    predicted: xr.Dataset = field(default_factory=xr.Dataset)
    pooling: pd.DataFrame = field(default_factory=pd.DataFrame)
    key: str = ""

    @property
    def checks_table(self) -> pd.DataFrame:
        """The checks as the contract's table."""
        return checks_table(self.checks)

    def value_of(self, check: str) -> float:
        """The value of a check by its name; NaN where it was not made."""
        found = [one.value for one in self.checks if one.name == check and one.value is not None]
        return found[0] if found else float("nan")


def read_fit(study: Study, cohort: Cohort, request: FitRequest, tree: xr.DataTree) -> FitSummary:
    """Return the summary of a fit: estimands, curves, predictive summaries and checks. Samples nothing."""
    problem = problem_of(study, cohort, request)
    adjusted = from_tree(tree, problem, request.adjustment)
    grid = report_grid(study, cohort, problem.spec, problem.cohort)
    cohort = problem.cohort
    estimated = estimate(adjusted, cohort, grid, request.settings.seed, landmark_of(request.exposure) or 0.0)
    propensity = np.mean([design.mean_propensity() for design in adjusted.designs], axis=0)
    summary = FitSummary(
        request,
        estimated.table.assign(study=study.name, **request.named)[list(COLUMNS)],
        estimated.curves,
        xr.Dataset(),
        xr.Dataset(),
        np.full(cohort.size, np.nan),
        (),
        propensity,
        power_scaling(adjusted, tree["posterior"].to_dataset()),
        _kept_draws(adjusted, estimated),
        estimated.curve_draws,
    )
    if cohort.counts is not None:
        return _with_checks_of_counts(summary, problem, adjusted, estimated)
    replicated = observed = published = xr.Dataset()
    everybody = not ADJUSTMENTS[request.adjustment].population
    if request.predictive and everybody:
        groups = tree.children if "prior" in tree.children else predictive(adjusted, problem)
        if "posterior_predictive" in groups:
            drawn = groups["posterior_predictive"]
            replicated, observed = _predictive(study, cohort, drawn)
            published = _published(study, cohort, drawn)
    elpd, pareto_k, survival = summary.elpd, None, None
    if request.left_out and everybody:
        elpd, pareto_k, survival = leave_one_out(adjusted, tree["posterior"].to_dataset())
    predicted = predictions(adjusted, problem, survival, request.predictive)
    balance, known = balance_behind(adjusted, problem), left_out_patients(cohort.size)
    judged = split_predictive_checks if "state" in observed.dims else predictive_checks
    checks = [
        *convergence_checks(adjusted, estimated.table, pareto_k),
        *feedback_checks(adjusted, cohort),
        *judged(replicated, observed, cohort.time_unit),
        *([] if pareto_k is None else loo_pit_checks(predicted, cohort.event[known], pareto_k[known])),
        *(design_checks(adjusted, problem, balance) or overlap_checks(cohort, propensity)),
        *treatment_calibration_checks(predicted),
        *exposure_checks(problem),
        *median_notes(estimated.not_reached),
        *extrapolation_checks(estimated.table, cohort.time_unit),
        *time_ratio_note(adjusted),
    ]
    if study.cohort.source == "reconstruction":
        checks = [replace(check, text=of_pseudo_patients(check.text)) for check in checks]
    return replace(
        summary,
        replicated=replicated,
        observed=observed,
        elpd=elpd,
        checks=tuple(checks),
        published=published,
        balance=balance,
        predicted=predicted,
    )


def _with_checks_of_counts(
    summary: FitSummary, problem: Problem, adjusted: AdjustedSample, estimated: Estimated
) -> FitSummary:
    """Return the summary of a fit of counts: what needs single patients is left out, and stated (`inference/diagnostics/checks/counted.py`)."""
    cohort, request, propensity = problem.cohort, summary.request, summary.propensity
    checks = [
        *convergence_checks(adjusted, estimated.table, None),
        *feedback_checks(adjusted, cohort),
        *(counted_predictive_checks(adjusted, cohort, request.settings.seed) if request.predictive else ()),
        *counted_overlap_checks(cohort, propensity, request.adjustment),
        *median_notes(estimated.not_reached),
        *extrapolation_checks(estimated.table, cohort.time_unit),
    ]
    weighted = ADJUSTMENTS[request.adjustment].population
    balance = counted_balance(cohort, propensity, request.adjustment) if weighted else pd.DataFrame()
    return replace(summary, checks=tuple(checks), balance=balance)


def _published(study: Study, cohort: Cohort, drawn: Replicated) -> xr.Dataset:
    """Return what the publication would have printed of the replicated studies, where patients are reconstructed."""
    if study.cohort.source != "reconstruction":
        return xr.Dataset()
    from data.published.reconstruction import published_statistics  # compiled: patients need none of it

    table, values = published_statistics(
        study,
        load_evidence(study),
        cohort,
        drawn["time"].to_numpy()[0].astype(float),
        drawn["event"].to_numpy()[0],
    )
    by_target = {name: ("target", table[name].to_numpy()) for name in ("family", "printed", "operator")}
    return xr.Dataset(
        {"replicated": (("replicate", "target"), values), **by_target},
        coords={"target": table["target"].to_numpy()},
    )


def _kept_draws(adjusted: AdjustedSample, estimated: Estimated) -> xr.Dataset:
    names, parameters = parameter_draws(adjusted)
    dims = ("chain", "draw", "unit")
    return xr.Dataset(
        {
            "estimand": (("row", *dims), estimated.draws),
            "parameter": (("parameter_name", *dims), thin(parameters)),
        },
        coords={"parameter_name": names},
    )


def _predictive(study: Study, cohort: Cohort, drawn: Replicated) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the frequentist summaries of the replicated cohorts and of the cohort itself."""
    grid = np.linspace(0.0, float(cohort.time.max()), 101)
    intervals = study_cutpoints(study, cohort)
    shared = cohort.entry, cohort.outcome.values, report_times(study, cohort)[1], grid, intervals
    time, event = drawn["time"].to_numpy()[0], drawn["event"].to_numpy()[0].astype(bool)
    if "start" in drawn:
        assert cohort.treatment_start is not None, "what was split had starts"
        replicated = split_statistics(time, event, drawn["start"].to_numpy()[0], *shared)
        return replicated, split_statistics(cohort.time, cohort.event, cohort.treatment_start, *shared)
    replicated = replicate_statistics(time, event, cohort.treatment, *shared)
    return replicated, replicate_statistics(cohort.time, cohort.event, cohort.treatment, *shared)
