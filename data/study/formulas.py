"""Formulas on covariates, and the centred design matrices they give."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from warnings import catch_warnings, simplefilter, warn

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec, SimpleFormula
from scipy.linalg import qr

from data.errors import CohortWarning, InputError
from data.study.formula_names import STRING, FormulaNames

INTERCEPT = "Intercept"
WIDEST = 1e12  # standard deviation of a column
COLLINEAR = 1e-8  # share of a unit-length column that the others do not explain


@dataclass(frozen=True, eq=False)
class Design:
    """The covariates as the regression sees them: one centred column for each term.

    Attributes
    ----------
    formula : str
        Right-hand side as the study file gives it.
    terms : tuple of str
        Names of the columns as formulaic gives them, such as ``grade[T.II]``; no intercept.
    values : ndarray (patient, term)
        Columns with their mean over the cohort taken off, read-only.
    means : ndarray (term,)
        The means that were taken off: zero on every column is the average patient.
    spec : ModelSpec
        Knots, scales and levels, under the plain names of the covariates.
    names : FormulaNames
        Those names.
    covariates : dict of str to frozenset of str
        The covariates behind each term.
    given : str
        The term of a propensity score from elsewhere, the last one: the linear predictor of treatment is that column, and no
        coefficient is fitted. Empty where there is none.
    """

    formula: str
    terms: tuple[str, ...]
    values: np.ndarray
    means: np.ndarray
    spec: ModelSpec
    names: FormulaNames = field(repr=False)
    covariates: dict[str, frozenset[str]] = field(repr=False)
    given: str = ""

    def with_score(self, name: str, score: np.ndarray) -> "Design":
        """The design with a propensity score from elsewhere, a linear predictor of treatment (patient,), as its last column.

        Raises
        ------
        InputError
            If all patients have the same score.
        """
        if np.ptp(score) <= 1e-12 * np.abs(score).max():
            raise InputError(
                f"[propensity] score must vary, but found {score[0]:g} for all patients; take it out"
            )
        term, mean = f"score given: {name}", score.mean()
        values = np.column_stack([self.values, score - mean])
        values.flags.writeable = False
        return replace(
            self,
            terms=(*self.terms, term),
            values=values,
            means=np.append(self.means, mean),
            covariates={**self.covariates, term: frozenset()},
            given=term,
        )

    def apply(self, covariates: pd.DataFrame) -> np.ndarray:
        """Columns of other patients, with the knots, scales and means of this cohort.

        Parameters
        ----------
        covariates : DataFrame
            Typed as `Cohort.covariates`: categories with the levels of the study.

        Returns
        -------
        ndarray (patient, term)

        Raises
        ------
        InputError
            Where a term cannot be computed for these patients.
        """
        place = f"formula '{self.formula}'"
        used = covariates[sorted(frozenset().union(*self.covariates.values()))]
        if used.isna().any(axis=None):  # a missing category would silently become the reference
            missing = ", ".join(used.columns[used.isna().any()])
            raise InputError(f"{place} must be given every covariate, but found missing cells in {missing}.")
        values = _matrix(self.spec, covariates, self.names, place).drop(columns=INTERCEPT).to_numpy(float)
        _refuse_non_finite(values, self.terms, place)
        return values - self.means


def formula_problem(formula: str, names: Iterable[str]) -> str | None:
    """What is wrong with a right-hand side in formulaic's syntax, given the declared covariates; None if nothing is."""
    names = list(names)
    listed = ", ".join(sorted(names)) or "none"
    known = FormulaNames.of(names, [formula])
    evaluated = known.evaluated(formula)
    bare = re.sub(STRING, "", evaluated)
    if "~" in bare or "|" in bare:
        return f"must be the right-hand side alone, but found '{formula}'; remove '~' and '|'"
    unquoted = known.unquoted(formula)
    if unquoted:
        quoted = ", ".join(f"`{name}`" for name in unquoted)
        return f"must have names that are no plain words in backquotes, but found '{formula}'; write {quoted}"
    try:
        parsed = Formula.from_spec(evaluated)
    except Exception as error:
        return f"must be a formula that formulaic reads, but found '{formula}': {_plain(error, known)}"
    if not isinstance(parsed, SimpleFormula) or "1" not in [str(term) for term in parsed]:
        return (
            f"must keep its intercept, which stands for the baseline hazard, but found '{formula}'; "
            "remove '0' or '- 1'"
        )
    unknown = sorted(set(map(str, parsed.required_variables)) - set(known.plain.values()))
    if unknown:
        return (
            f"must use declared covariates only, but found {', '.join(unknown)} in '{formula}'; "
            f"declare it under [covariates] or choose from: {listed}"
        )
    return None


def build_design(formula: str, covariates: pd.DataFrame, place: str = "formula") -> Design:
    """The centred design matrix of a cohort.

    Parameters
    ----------
    formula : str
        Right-hand side in formulaic's syntax; ``"1"`` gives a design without terms.
    covariates : DataFrame (patient, covariate)
        Floats, and categories whose first level is the reference.
    place : str
        File and key, for messages.

    Raises
    ------
    InputError
        If the formula cannot be evaluated, a column is not finite, or a column is constant.

    Warns
    -----
    CohortWarning
        If columns are collinear: then only the priors tell their coefficients apart.
    """
    problem = formula_problem(formula, map(str, covariates.columns))
    if problem:
        raise InputError(f"{place} {problem}.")
    kinds = covariates.select_dtypes("category")
    levels = [str(level) for name in kinds for level in kinds[name].cat.categories]
    names = FormulaNames.of(map(str, covariates.columns), [formula, *levels])
    parsed = Formula.from_spec(names.evaluated(formula))
    assert isinstance(parsed, SimpleFormula)  # every other kind has a problem
    matrix = _matrix(ModelSpec(formula=parsed, output="pandas"), covariates, names, place)
    spec = matrix.model_spec
    columns = pd.DataFrame(matrix).drop(columns=INTERCEPT)
    terms = tuple(names.shown(str(column)) for column in columns.columns)
    values = columns.to_numpy(float)
    if len(set(terms)) < len(terms):
        raise InputError(f"{place} must give each column its own name, but found {', '.join(terms)}.")
    _refuse_non_finite(values, terms, place)
    _refuse_constant(values, terms, covariates, place)
    means = values.mean(axis=0)
    values = values - means
    _refuse_extreme(values, terms, place)
    _warn_collinear(values, terms, place)
    for array in (values, means):
        array.flags.writeable = False
    own = {plain: name for name, plain in names.plain.items()}
    behind = {
        names.shown(spec.column_names[place]): frozenset(
            own[str(one)] for one in variables if str(one) in own
        )
        for term, variables in spec.term_variables.items()
        for place in spec.term_indices[term]
        if variables
    }
    return Design(formula, terms, values, means, spec, names, behind)


def _matrix(spec: ModelSpec, covariates: pd.DataFrame, names: FormulaNames, place: str):
    """The raw matrix, intercept included; an empty context keeps names of this program out of formulas."""
    try:
        with np.errstate(all="ignore"), catch_warnings():
            simplefilter("error")  # formulaic only warns of levels it has not seen, then drops them
            simplefilter("ignore", RuntimeWarning)  # log(0) is found by value, with its patients counted
            return spec.get_model_matrix(
                covariates.rename(columns=names.plain), context={}, na_action="ignore"
            )
    except Exception as error:  # a formula may hold any Python expression, and so raise anything
        raise InputError(
            f"{place} must be computable for every patient, but: {_plain(error, names)}."
        ) from error


def _plain(error: Exception, names: FormulaNames) -> str:
    """The first line of a message, without terminal colours and with the covariates' own names."""
    text = names.shown(re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", str(error)).strip())
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".")


def _refuse_non_finite(values: np.ndarray, terms: tuple[str, ...], place: str) -> None:
    broken = ~np.isfinite(values)
    if not broken.any():
        return
    lines = []
    for column in np.flatnonzero(broken.any(axis=0)):
        rows = np.flatnonzero(broken[:, column]) + 1
        first = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        lines.append(f"'{terms[column]}' for {len(rows)} patients (rows {first})")
    raise InputError(
        f"{place} must give finite numbers, but found infinite or missing {'; '.join(lines)}. "
        "Logarithms need values above 0: write log(x + 1) where x may be 0."
    )


def _refuse_constant(
    values: np.ndarray, terms: tuple[str, ...], covariates: pd.DataFrame, place: str
) -> None:
    constant = np.ptp(values, axis=0) <= 1e-12 * np.abs(values).max(axis=0, initial=0)
    if not constant.any():
        return
    names = ", ".join(f"'{terms[column]}'" for column in np.flatnonzero(constant))
    kinds = covariates.select_dtypes("category")
    absent = [
        f"no patient has {name} = {level}"
        for name in kinds.columns
        for level in kinds[name].cat.categories.difference(kinds[name].unique(), sort=False)
    ]
    reason = f" ({'; '.join(absent)})" if absent else ""
    raise InputError(
        f"{place} must give columns that differ between patients, but found constant: {names}{reason}. "
        "Remove the level or the term."
    )


def _refuse_extreme(values: np.ndarray, terms: tuple[str, ...], place: str) -> None:
    """Refuse units in which no coefficient could be told from 0 or from infinity."""
    with np.errstate(over="ignore", under="ignore"):
        spread = values.std(axis=0)
    extreme = [term for term, sd in zip(terms, spread, strict=True) if not 1 / WIDEST < sd < WIDEST]
    if extreme:
        raise InputError(
            f"{place} must give columns that vary by between {1 / WIDEST:g} and {WIDEST:g}, but found otherwise: "
            f"{', '.join(extreme)}; give the covariate in other units."
        )


def _warn_collinear(values: np.ndarray, terms: tuple[str, ...], place: str) -> None:
    if not terms:
        return
    scaled = values / np.linalg.norm(values, axis=0)
    triangle, order = qr(scaled, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(triangle))
    rank = int((diagonal > COLLINEAR).sum())
    if rank == len(terms):
        return
    weights = np.linalg.solve(triangle[:rank, :rank], triangle[:rank, rank:])
    involved = {*order[rank:], *order[:rank][(np.abs(weights) > 1e-6).any(axis=1)]}
    names = ", ".join(terms[column] for column in sorted(involved))
    warn(
        f"{place} gives collinear columns: {names}. Only the priors tell their coefficients apart.",
        CohortWarning,
        stacklevel=3,
    )
