"""What missing covariates may do to the effect: complete cases, and imputed values shifted away from missing at random."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.diagnostics.checks.convergence import row_checks
from inference.fits.requests import FitRequest, request_of_cohort
from inference.sensitivity.sampled_effect import pooled_effects, sampled_effect, shortened
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.storage.cache import DATASET, cached

COMPLETE, SHIFTED = "complete cases", "imputed values shifted"


@cached(DATASET)
def effect_in_cohort(
    study: Study, cohort: Cohort, number: int, main: FitRequest, patients: str
) -> xr.Dataset:
    """Return `sampled_effect` of the main model, with the seed of a cohort's number; which `patients` it has is an attribute."""
    return sampled_effect(study, cohort, request_of_cohort(main, number)).assign_attrs(patients=patients)


def pooled_by_patients(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return the effect in complete cases, and in cohorts with shifted values pooled: patients, and the columns of `pooled_effects`."""
    tables = []
    for patients in (COMPLETE, SHIFTED):
        parts = [one for one in computed if one.attrs["patients"] == patients]
        if parts:
            table = pooled_effects(xr.concat(parts, dim="cohort").expand_dims("row"))
            table.insert(0, "patients", patients)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _arguments(analysis: MainAnalysis) -> list[tuple[Any, ...]]:
    imputed = analysis.imputation
    if imputed is None:
        return []
    main = shortened(analysis.main, len(analysis.cohorts))
    listed: list[tuple[Any, ...]] = [
        (analysis.study, cohort, number, main, SHIFTED) for number, cohort in enumerate(imputed.shifted)
    ]
    if imputed.complete is not None:
        listed.insert(0, (analysis.study, imputed.complete, 0, analysis.main, COMPLETE))
    return listed


MISSING = Sensitivity(
    "missing",
    "missing cells",
    lambda analysis: bool(_arguments(analysis)),
    effect_in_cohort,
    _arguments,
    pooled_by_patients,
    partial(row_checks, "missing cells", row="row"),
)
