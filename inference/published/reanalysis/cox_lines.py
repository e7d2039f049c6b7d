"""The Cox tables of a paper: each univariable model, and the multivariable one with the covariates that it prints."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow
from data.published.printed import Printed
from inference.frequentist.efron import EfronCox
from inference.frequentist.limits import NORMAL_975
from inference.frequentist.published import indicator
from inference.published.reanalysis.lines import Line, PseudoPatients, end_of

FAMILY = "Cox"
TEXT = "_text"  # of the model of a row that repeats a number of the table in the running text


@dataclass(frozen=True, eq=False)
class WaldFit:
    """Log hazard ratios and their covariance, NaN where the cohort does not determine them."""

    coefficients: np.ndarray
    covariance: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Standard errors (term,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p(self) -> np.ndarray:
        """Two-sided Wald P values (term,)."""
        return 2 * norm.sf(np.abs(self.coefficients) / self.errors)

    @property
    def overall_p(self) -> float:
        """P value of Wald's test that all log hazard ratios are 0."""
        if np.isnan(self.coefficients).any():
            return float("nan")
        statistic = self.coefficients @ np.linalg.solve(self.covariance, self.coefficients)
        return float(chi2.sf(statistic, len(self.coefficients)))


def fit_cox(time: np.ndarray, event: np.ndarray, columns: np.ndarray) -> WaldFit:
    """Return Cox's estimates of columns (patient, term) with Efron's ties (doi 10.1080/01621459.1977.10480613)."""
    terms = columns.shape[1]
    missing = WaldFit(np.full(terms, np.nan), np.full((terms, terms), np.nan))
    if np.any(np.ptp(columns, axis=0) == 0):
        return missing
    model = EfronCox(time, event, np.zeros(len(time)), columns)
    coefficients = model.maximise()
    if np.isnan(coefficients).any():
        return missing
    return WaldFit(coefficients, np.linalg.inv(model.derivatives(coefficients)[1]))


def cox_lines(pseudo: PseudoPatients, evidence: Evidence) -> Iterator[Line]:
    """Yield hazard ratio, interval and P value of every printed row, in the order of the tables."""
    fits: dict[tuple, tuple[list[CoxRow], WaldFit]] = {}
    for row in evidence.cox:
        model = row.model.removesuffix(TEXT)
        rows = together(evidence, model, row)
        key = (model, row.phase, tuple(one.variable for one in rows))
        if not rows:
            continue
        if key not in fits:
            inside = pseudo.inside(row.phase)
            columns = np.column_stack([_column(pseudo, evidence, one)[inside] for one in rows])
            fits[key] = (
                rows,
                fit_cox(pseudo.cohort.time[inside], pseudo.cohort.event[inside], columns),
            )
        yield from _of_row(row, *fits[key])


def together(evidence: Evidence, model: str, row: CoxRow) -> list[CoxRow]:
    """Return the rows that are columns of the row's fit: all of a multivariable model, else those of its variable."""
    known = {(term.variable, term.level) for term in evidence.names.cox}
    return [
        one
        for one in evidence.cox
        if (one.model, one.phase) == (model, row.phase)
        and (model == "multivariable" or one.variable == row.variable)
        and (one.variable, one.level) in known
    ]


def _column(pseudo: PseudoPatients, evidence: Evidence, row: CoxRow) -> np.ndarray:
    found = indicator(pseudo.cohort, evidence, row)
    assert found is not None, "only rows that evidence.toml names are fitted"
    return found


def row_name(row: CoxRow) -> str:
    """Return what the names of a row's lines begin with."""
    where = " (in the text)" if row.model.endswith(TEXT) else ""
    levels = ", all levels" if row.hazard_ratio is None else f" {row.level} against {row.reference}"
    return f"{row.model.removesuffix(TEXT)}{where}, {row.variable}{levels}"


def _of_row(row: CoxRow, rows: list[CoxRow], fit: WaldFit) -> Iterator[Line]:
    name = row_name(row)
    if row.hazard_ratio is None:
        yield Line(FAMILY, f"{name}, P", row.p, fit.overall_p, "P")
        return
    places = [
        place for place, one in enumerate(rows) if (one.variable, one.level) == (row.variable, row.level)
    ]
    if not places:
        return  # a reference level
    place = places[0]
    centre, error = float(fit.coefficients[place]), float(fit.errors[place])
    half = NORMAL_975 * error
    ratios: list[tuple[str, Printed | None, float]] = [
        ("hazard ratio", row.hazard_ratio, centre),
        ("lower end", end_of(row.hazard_ratio, "lower"), centre - half),
        ("upper end", end_of(row.hazard_ratio, "upper"), centre + half),
    ]
    for what, printed, value in ratios:
        yield Line(FAMILY, f"{name}, {what}", printed, float(np.exp(value)), "hazard ratio")
    yield Line(FAMILY, f"{name}, P", row.p, float(fit.p[place]), "P")
