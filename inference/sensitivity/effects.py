"""Effects that change: which shapes a study allows, and what the draws of a fit say of them."""

import warnings

import numpy as np
import pandas as pd

from data.errors import CohortWarning, InputError
from data.study.cohort import Cohort
from data.study.study import Study
from inference.fits.fits import FitSummary
from models.effects import ByInterval, BySubgroup
from models.specification import study_cutpoints

LIMITS = (0.5, 0.025, 0.975)
LIKELY = 0.95  # a statement is made at this probability


def changing_effects(study: Study, cohort: Cohort) -> list[str]:
    """Return the effect shapes other than the constant one that a study allows: over its intervals, by its subgroups.

    Subgroups that cannot be analysed are left out with a warning: a study file may name columns that only describe.
    """
    shapes = [ByInterval.name] if study_cutpoints(study, cohort) else []
    if study.report.subgroups:
        try:
            BySubgroup.of_study(study, cohort, ())
            shapes.append(BySubgroup.name)
        except InputError as error:
            warnings.warn(f"no effects by subgroup: {error}", CohortWarning, stacklevel=2)
    return shapes


def conditional_draws(summary: FitSummary, effect: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of the hazard ratio, and the draws of its log (row, draw)."""
    if summary.request.effect != effect:
        raise ValueError(f"the effect must be {effect}, but found {summary.request.effect}")
    table = summary.estimands
    conditional = table["population"] == "conditional"
    places = np.flatnonzero(conditional & (table["estimand"] == "log_hazard_ratio"))
    draws = summary.draws["estimand"].to_numpy()[places]
    return table[conditional & (table["estimand"] == "hazard_ratio")], draws.reshape(len(places), -1)


def ratio_summary(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return hazard_ratio (the median), lower, upper and probability_of_benefit of rows of a table of estimands."""
    columns = rows.rename(columns={"median": "hazard_ratio"})
    names = ("hazard_ratio", "lower", "upper", "probability_of_benefit")
    return {name: columns[name].to_numpy(dtype=float) for name in names}


def parameter_limits(summary: FitSummary, name: str) -> tuple[float, ...]:
    """Return median and 95 % limits of a parameter; nothing where the model has none."""
    names = summary.draws["parameter_name"].to_numpy().astype(str)
    if name not in names:
        return ()
    draws = summary.draws["parameter"].to_numpy()[names == name].astype(float)
    return tuple(np.quantile(draws, LIMITS).tolist())
