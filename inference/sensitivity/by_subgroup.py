"""How the effect differs between subgroups, in numbers and in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from data.study.study import Study
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest, problem_of
from inference.frequentist.cox_model import independent_columns
from inference.frequentist.efron import EfronCox
from inference.frequentist.rubin import pool
from inference.sensitivity.effects import LIKELY, conditional_draws, parameter_limits, ratio_summary
from inference.storage.cache import FRAME, cached
from models.effects import BySubgroup
from models.effects.by_subgroup import MODIFIERS, SUBGROUP_EFFECTS
from models.effects.effect import Effect
from models.episodes import episodes_of
from models.exposures import TimeSplit

ARMS = ("treated", "control")
TERM = re.compile(rf"{SUBGROUP_EFFECTS.name}\[(?P<column>.+)\[T\.(?P<level>.+)\]\]")


@dataclass(frozen=True, eq=False)
class EffectBySubgroup:
    """What a fit with an effect by subgroup says.

    Attributes
    ----------
    table : DataFrame
        One row a subgroup, that of everybody ("") first: subgroup, covariate and level (in words), patients (mean over
        cohorts), hazard_ratio (median), lower, upper, probability_of_benefit; without shrinkage: alone, alone_lower, alone_upper; as a publication prints it,
        NaN where it does not: median_treated, median_control.
    spread : tuple of float
        Median and 95 % limits of the standard deviation of the subgroup effects.
    apart : float
        Probability that the hazard ratio of the subgroup with the highest median is above that with the lowest.
    contrasts : DataFrame
        Of several cohorts: `subgroup_contrasts`; else empty.
    """

    table: pd.DataFrame
    spread: tuple[float, ...]
    apart: float
    contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)


@cached(FRAME)
def cox_by_subgroup(study: Study, cohorts: Sequence[Cohort], request: FitRequest) -> pd.DataFrame:
    """Return the hazard ratio in each subgroup by Cox models with interactions, in which nothing shrinks.

    The model holds treatment, its products with the modifiers of the request, and the columns of its outcome model, main effects
    of the subgroups among them. Cohorts are pooled by Rubin's rules (doi 10.1002/9780470316696).

    Parameters
    ----------
    study, cohorts : Study, sequence of Cohort
    request : FitRequest
        With the effect `by_subgroup`.

    Returns
    -------
    DataFrame
        subgroup ("" for the average patient), patients (mean over cohorts), alone, alone_lower, alone_upper (95 %, Wald); NaN
        where a cohort has no estimate.
    """
    problems = [problem_of(study, cohort, request) for cohort in cohorts]
    found = [
        unshrunk(one.cohort, one.spec.effect, isinstance(one.spec.exposure, TimeSplit)) for one in problems
    ]
    labels = list(dict.fromkeys(label for one in found for label in one["subgroup"]))
    aligned = [one.set_index("subgroup").reindex(labels) for one in found]
    estimate = np.stack([one["estimate"].to_numpy() for one in aligned])
    pooled = pool(estimate, np.stack([one["standard_error"].to_numpy() ** 2 for one in aligned]))
    return pd.DataFrame(
        {
            "subgroup": labels,
            "patients": np.stack([one["patients"].to_numpy() for one in aligned]).mean(axis=0),
            "alone": np.exp(pooled.estimate),
            "alone_lower": np.exp(pooled.lower),
            "alone_upper": np.exp(pooled.upper),
        }
    )


def effect_by_subgroup(
    study: Study,
    summary: FitSummary,
    alone: pd.DataFrame,
    printed: Mapping[tuple[str, str], float] = MappingProxyType({}),
) -> EffectBySubgroup:
    """Return the effects of a fit by subgroup, with those of Cox models with interactions beside them.

    Parameters
    ----------
    study : Study
    summary : FitSummary
        Of a fit with the effect `by_subgroup`, pooled or not.
    alone : DataFrame
        From `cox_by_subgroup`.
    printed : mapping of (str, str) to float
        Median survival by subgroup ("column=level") and arm, of a study that publishes no patients.

    Raises
    ------
    ValueError
        Where the fit has another effect.
    """
    rows, draws = conditional_draws(summary, BySubgroup.name)
    labels = rows["subgroup"].fillna("").astype(str)
    words = [subgroup_words(study, *label.partition("=")[::2]) for label in labels]
    beside = alone.set_index("subgroup").reindex(labels)
    table = pd.DataFrame(
        {
            "subgroup": labels.to_numpy(),
            "covariate": [covariate for covariate, _ in words],
            "level": [level for _, level in words],
            "patients": beside["patients"].to_numpy(),
            **ratio_summary(rows),
            **{name: beside[name].to_numpy() for name in ("alone", "alone_lower", "alone_upper")},
            **{f"median_{arm}": [printed.get((label, arm), np.nan) for label in labels] for arm in ARMS},
        }
    )
    middles = np.median(draws[1:], axis=1)
    highest, lowest = draws[1 + int(middles.argmax())], draws[1 + int(middles.argmin())]
    apart = float((highest > lowest).mean())
    spread = parameter_limits(summary, "subgroup_effect_sd")
    return EffectBySubgroup(table, spread, apart, subgroup_contrasts(study, summary))


def unshrunk(cohort: Cohort, effect: Effect, time_split: bool = False) -> pd.DataFrame:
    """Return the log hazard ratio in each subgroup by a Cox model with interactions; `time_split`: untreated until treatment begins.

    Returns
    -------
    DataFrame
        subgroup, patients, estimate, standard_error; NaN where the model has no estimate.
    """
    cohort = effect.with_main_effects(cohort)
    modifiers = effect.arrays(cohort)[MODIFIERS]
    episodes = episodes_of(cohort, time_split)
    treated = episodes.treated.astype(float)[:, None]
    products = treated * modifiers[episodes.patient]
    columns = np.hstack([treated, products, cohort.outcome.values[episodes.patient]])
    kept = columns[:, independent_columns(columns)]
    coefficients, covariance = EfronCox(episodes.time, episodes.event, episodes.entry, kept).estimates()
    size = 1 + modifiers.shape[1]
    known = independent_columns(columns[:, :size]).all() and np.isfinite(coefficients[:size]).all()
    rows = []
    for subgroup, contrast, patients in _contrasts(cohort, effect, modifiers):
        variance = contrast @ covariance[:size, :size] @ contrast if known else np.nan
        rows.append(
            {
                "subgroup": subgroup,
                "patients": patients,
                "estimate": float(contrast @ coefficients[:size]) if known else np.nan,
                "standard_error": float(np.sqrt(variance)),
            }
        )
    return pd.DataFrame(rows)


def _contrasts(cohort: Cohort, effect: Effect, modifiers: np.ndarray) -> list[tuple[str, np.ndarray, int]]:
    """Return what multiplies treatment effect and subgroup effects in each reported subgroup, as the fit reports them."""
    size = modifiers.shape[1]
    unit = {"treatment_effect": np.eye(1 + size)[0], "subgroup_effects": np.eye(1 + size)[:, 1:]}
    contrasts = []
    for one in effect.reported(unit, cohort, float(cohort.time.max())):
        column, _, level = one.subgroup.partition("=")
        inside = cohort.size if not column else int((cohort.covariates[column].astype(str) == level).sum())
        contrasts.append((one.subgroup, one.draws, inside))
    return contrasts


def by_subgroup_in_words(found: EffectBySubgroup) -> str:
    """Return what the effects by subgroup say, in a sentence or two."""
    levels = found.table[found.table["subgroup"] != ""]
    lowest = levels.loc[levels["hazard_ratio"].idxmin()]
    highest = levels.loc[levels["hazard_ratio"].idxmax()]
    ends = " to ".join(
        f"{row['hazard_ratio']:.2f} ({row['covariate']}: {row['level']})" for row in (lowest, highest)
    )
    verdict = (
        "the effect is unlikely to be the same in both"
        if found.apart >= LIKELY
        else "these patients do not tell the subgroups apart"
    )
    return (
        f"After shrinkage the hazard ratio of the subgroups goes from {ends}; the second is above the first with probability "
        f"{found.apart:.2f}: {verdict}."
    )


def subgroup_contrasts(study: Study, summary: FitSummary) -> pd.DataFrame:
    """Return each contrast of the effect between patients with and without a level, and what of it is not known for want of patients.

    Returns
    -------
    DataFrame
        covariate, level (in the study's words), ratio (of hazard ratios, with the level against without: exp of the mean), missing_information,
        missing_error (`error_of_missing`), cohorts. Empty where one cohort was fitted.
    """
    rows = []
    for row in summary.pooling.to_dict("records"):
        found = TERM.fullmatch(str(row["estimand"]))
        if row["population"] != "parameter" or found is None:
            continue
        covariate, level = subgroup_words(study, found["column"], found["level"])
        missing, cohorts = float(row["fraction_of_missing_information"]), int(row["cohorts"])
        rows.append(
            {
                "covariate": covariate,
                "level": level,
                "ratio": float(np.exp(row["mean"])),
                "missing_information": missing,
                "missing_error": error_of_missing(missing, cohorts),
                "cohorts": cohorts,
            }
        )
    return pd.DataFrame(rows)


def subgroup_words(study: Study, name: str, level: str) -> tuple[str, str]:
    """Return a covariate and a level of it in words; levels 0 and 1 are no and yes."""
    covariate = study.covariates.get(name)
    if covariate is None:
        return name, level
    marked = tuple(covariate.levels or ()) == ("0", "1")
    return covariate.label or name, {"0": "no", "1": "yes"}[level] if marked else level


def error_of_missing(missing: float, cohorts: int) -> float:
    r"""Return the Monte Carlo standard error of a fraction of missing information.

    :math:`\lambda = (1 + 1/M) B / (W + (1 + 1/M) B)`, and the variance B between M cohorts is known to a share of
    :math:`\sqrt{2 / (M - 1)}` (means of cohorts taken as normal), so that the error is
    :math:`\lambda (1 - \lambda) \sqrt{2 / (M - 1)}`.

    Examples
    --------
    >>> round(error_of_missing(0.5, 20), 3), round(error_of_missing(0.5, 50), 3)
    (0.081, 0.051)
    """
    return missing * (1.0 - missing) * float(np.sqrt(2.0 / (cohorts - 1)))
