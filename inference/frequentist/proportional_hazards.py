"""The test of proportional hazards from Schoenfeld residuals, per term and for the whole model."""

import warnings

import numpy as np
import pandas as pd
from lifelines.statistics import proportional_hazard_test
from scipy.stats import chi2

from inference.frequentist.cox_model import CoxResult
from inference.frequentist.efron import EfronCox
from inference.frequentist.survival import kaplan_meier

WHOLE_MODEL = ""
COLUMNS = pd.Index(["term", "chi_square", "degrees_of_freedom", "p", "problem"])


def proportional_hazards_test(result: CoxResult) -> pd.DataFrame:
    """Return the Grambsch-Therneau tests of a trend of each log hazard ratio over time.

    Time is transformed to one minus the Kaplan-Meier survival just before it, R's default; with tied times
    lifelines' own default, the rank, depends on the order of the patients, this one does not. The test is the
    one of R's survival before version 3 (Grambsch and Therneau 1994, doi 10.1093/biomet/81.3.515).

    Returns
    -------
    DataFrame
        ``term, chi_square, degrees_of_freedom, p, problem``. The first row, with an empty term, is the whole
        model.
    """
    terms = result.table["term"]
    problems = result.table["problem"].to_numpy()
    usable = problems == ""

    def undetermined(reason: str) -> pd.DataFrame:
        rows = [(term, np.nan, 0, np.nan, reason) for term in (WHOLE_MODEL, *terms)]
        return pd.DataFrame(rows, columns=COLUMNS)

    if result.fitter is None or not usable.any():
        return undetermined(next((text for text in problems if text), "no terms"))

    positions = list(result.fitter.params_.index)
    ordered = result.frame.loc[result.fitter.durations.index]
    # Just before each time: R's transform is the left limit of the curve.
    before = np.nextafter(ordered["time"].to_numpy(), 0.0)
    curve = kaplan_meier(ordered["time"], ordered["event"], ordered["entry"], times=before)
    if curve.problem:
        return undetermined(curve.problem)

    # lifelines has no Schoenfeld residuals under left truncation, but takes precomputed ones, scaled its way.
    columns = (ordered[name].to_numpy() for name in ("time", "event", "entry", positions))
    residuals = EfronCox(*columns).schoenfeld_residuals(result.fitter.params_.to_numpy())
    variance = result.fitter.variance_matrix_.to_numpy()
    transformed = pd.Series(1.0 - curve.survival, index=ordered.index)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # An infinite coefficient, which has its own problem text, overflows here; its row is dropped below.
        warnings.simplefilter("ignore", RuntimeWarning)
        tested = proportional_hazard_test(
            result.fitter,
            result.frame,
            time_transform=lambda *_: transformed,
            precomputed_residuals=pd.DataFrame(len(residuals) * residuals @ variance),
        )
    by_position = dict(zip(positions, zip(tested.test_statistic, tested.p_value, strict=True), strict=True))
    rows = []
    for position, (term, problem) in enumerate(zip(terms, problems, strict=True)):
        chi_square, p = by_position[str(position)] if not problem else (np.nan, np.nan)
        rows.append((term, chi_square, int(not problem), p, problem))

    # The whole model, over the terms that have an estimate.
    inner = [positions.index(str(position)) for position in np.flatnonzero(usable)]
    trend = transformed[ordered["event"]].to_numpy()
    trend = trend - trend.mean()
    slope = trend @ residuals[:, inner]
    spread = np.sum(trend**2)
    whole = len(residuals) * slope @ variance[np.ix_(inner, inner)] @ slope / spread if spread > 0 else np.nan
    problem = "" if spread > 0 else "events at one time only"
    rows.insert(0, (WHOLE_MODEL, whole, len(inner), chi2.sf(whole, len(inner)), problem))
    return pd.DataFrame(rows, columns=COLUMNS)
