"""Horizon and times of a report: the study's own, or what the follow-up allows."""

import math

import numpy as np

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study
from inference.estimands.curves import TimeGrid, time_grid
from models.exposures import TimeSplit
from models.specification import ModelSpec


def report_times(study: Study, cohort: Cohort) -> tuple[float, tuple[float, ...]]:
    """Return the horizon of the restricted mean and the times of the survival probabilities, in the study's unit.

    A study that names no horizon gets the shorter follow-up of the two arms, rounded down to two digits; one that names
    no times gets thirds of the horizon.

    Raises
    ------
    InputError
        Where the study asks for a time that nobody was followed to.
    """
    last = float(cohort.time.max())
    shared = float(min(cohort.time[cohort.treatment].max(), cohort.time[~cohort.treatment].max()))
    horizon = study.report.horizon if study.report.horizon is not None else _round_down(shared)
    times = tuple(study.report.times) if study.report.times else tuple(horizon * k / 3 for k in (1, 2, 3))
    for name, value in (("horizon", horizon), *(("times", time) for time in times)):
        if value > last:
            raise InputError(
                f"{study.file}: [report] {name} must lie within the follow-up, which ends at {last:g} "
                f"{study.time_unit}, but found {value:g}; choose an earlier one"
            )
    return float(horizon), tuple(float(time) for time in times)


def report_grid(study: Study, cohort: Cohort, spec: ModelSpec, fitted: Cohort) -> TimeGrid:
    """Return the grid on which curves and estimands of a fit are evaluated; `fitted` are the patients as they were fitted."""
    horizon, times = report_times(study, cohort)
    return time_grid(spec.cutpoints, horizon, times, float(cohort.time.max()), arm_ends(fitted, spec))


def arm_ends(cohort: Cohort, spec: ModelSpec) -> tuple[float, float]:
    """Return the last follow-up of the controls and of the treated; with time-split exposure, who begins later is a control until then."""
    treated, time = cohort.treatment, cohort.time
    untreated = time[~treated]
    if isinstance(spec.exposure, TimeSplit):
        assert cohort.treatment_start is not None, "what is split has starts"
        untreated = np.concatenate([untreated, cohort.treatment_start[treated]])
    return float(untreated.max()), float(time[treated].max())


def _round_down(value: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(np.floor(value / unit * (1 + 1e-12)) * unit)
