"""Cox's model (Efron ties, left truncation) through lifelines; a reason where it has no estimate."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from numpy.typing import ArrayLike, NDArray

from inference.frequentist.efron import INFINITE

# lifelines' own warning about a fit that ended without a maximum. Its other ConvergenceWarnings, on columns
# of low variance and on long last steps, come with a maximum: there the standard error shows which term has
# no estimate.
FAILED = "failed to converge"
SUMMARY = {
    "coefficient": "coef",
    "standard_error": "se(coef)",
    "lower": "coef lower 95%",
    "upper": "coef upper 95%",
    "p": "p",
}
"""Columns of lifelines' summary, by the name that they have here."""


@dataclass(frozen=True)
class CoxResult:
    """Coefficients of a Cox model on the log hazard ratio scale."""

    # one row a term, in the order given: ``term, coefficient, standard_error, lower, upper, p, problem``. The
    # interval is 95 % Wald, p two-sided Wald. ``problem`` is empty, or says why the numbers are NaN
    table: pd.DataFrame
    # the fitted model, for its residuals; None if there is no fit. Its parameters are named by the position of their
    # term ("0", "1", ...), so that no name of a covariate can collide with another column
    fitter: CoxPHFitter | None
    frame: pd.DataFrame  # what it was fitted to: columns ``time, event, entry`` and those positions


def independent_columns(columns: NDArray) -> NDArray[np.bool_]:
    """Return which columns are not a linear combination of those before them and a constant.

    Parameters
    ----------
    columns : (patient, term) array
    """
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    scaled = centred / np.where(size > 0, size, 1.0)
    if columns.shape[0] < columns.shape[1]:
        scaled = np.vstack([scaled, np.zeros((columns.shape[1] - columns.shape[0], columns.shape[1]))])
    return (np.abs(np.diag(np.linalg.qr(scaled, mode="r"))) > 1e-8) & (
        size > 1e-12 * np.abs(columns).max(initial=1)
    )


def cox(
    time: ArrayLike,
    event: ArrayLike,
    columns: ArrayLike,
    terms: Sequence[str],
    entry: ArrayLike | None = None,
) -> CoxResult:
    """Return the log hazard ratio of every column, adjusted for the others.

    Never raises for data that identify no coefficient, and never warns: the row of the term is NaN and says
    why. Columns that are linear combinations of earlier ones are left out, as in R, so put the treatment
    first.

    Parameters
    ----------
    time : (patient,) array
        Time of the event or of the end of observation.
    event : (patient,) array of bool
    columns : (patient, term) array
        The treatment as 0/1 and the columns of a design.
    terms : sequence of str
        Their names.
    entry : (patient,) array, optional
        Start of observation (left truncation); patients are at risk on (entry, time].

    References
    ----------
    Efron 1977, doi 10.1080/01621459.1977.10480613, for ties.
    """
    columns = np.asarray(columns, dtype=float)
    positions = [str(position) for position in range(len(terms))]
    frame = pd.DataFrame(columns, columns=pd.Index(positions))
    frame["time"], frame["event"] = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    frame["entry"] = 0.0 if entry is None else np.asarray(entry, dtype=float)

    kept = independent_columns(columns)
    fitter, problem = _fit(frame, [position for position, keep in zip(positions, kept, strict=True) if keep])
    rows = []
    for position, term, keep in zip(positions, terms, kept, strict=True):
        reason = problem if keep or fitter is None else "constant, or given by the other columns"
        numbers = dict.fromkeys(SUMMARY, np.nan)
        if fitter is not None and not reason:
            summary = fitter.summary.loc[position]
            if summary["se(coef)"] * np.ptp(frame[position]) < INFINITE:
                numbers = {name: summary[own] for name, own in SUMMARY.items()}
            else:
                reason = "no finite estimate (a level without events?)"
        rows.append({"term": term, **numbers, "problem": reason})
    return CoxResult(pd.DataFrame(rows), fitter, frame)


def _fit(frame: pd.DataFrame, positions: list[str]) -> tuple[CoxPHFitter | None, str]:
    """Return lifelines' fit, or None and the reason."""
    events = int(frame["event"].sum())
    if not positions:
        return None, "constant, or given by the other columns"
    if events <= len(positions):
        return None, f"{events} events for {len(positions)} coefficients"
    late = bool((frame["entry"] > 0).any())
    used = frame[[*positions, "time", "event", *(["entry"] if late else [])]]
    # Warnings are recorded, not shown: what they say is decided by the convergence messages and by the
    # standard errors, and ends in the problem text. Floating-point warnings of diverging steps are part of
    # the same story.
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            fitter = CoxPHFitter().fit(
                used,
                "time",
                "event",
                entry_col="entry" if late else None,
                fit_options={"precision": 1e-10, "r_precision": 1e-12, "max_steps": 100},
            )
        except (ConvergenceError, np.linalg.LinAlgError):
            return None, "the fit did not converge (separation or collinear columns)"
    if any(issubclass(one.category, ConvergenceWarning) and FAILED in str(one.message) for one in caught):
        return None, "the fit did not converge (separation or collinear columns)"
    return fitter, ""
