"""How the effect changes over time and differs between subgroups, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.cohort import Cohort
from data.study import Study
from inference.comparators import cox
from inference.fits import Reading
from inference.requests import question_of
from models.effects.by_subgroup import MODIFIERS
from models.effects.effect import Effect
from models.episodes import episodes_of
from models.observations import TimeSplit

LIMITS = (0.5, 0.025, 0.975)
LIKELY = 0.95  # a statement is made at this probability
NORMAL = 1.959964


@dataclass(frozen=True, eq=False)
class EffectOverTime:
    """What a fit with an effect by interval says.

    Attributes
    ----------
    table : DataFrame
        One row an interval: start, end, hazard_ratio (median), lower, upper, probability_of_benefit.
    step_sd : tuple of float
        Median and 95 % limits of the standard deviation of the step between neighbouring intervals; empty where there is
        one interval.
    fading : float
        Probability that the hazard ratio of the last interval is above that of the first.
    crossing : float
        Probability that the hazards cross: a hazard ratio below 1 in one interval and above 1 in another.
    time_unit : str
    """

    table: pd.DataFrame
    step_sd: tuple[float, ...]
    fading: float
    crossing: float
    time_unit: str


@dataclass(frozen=True, eq=False)
class EffectBySubgroup:
    """What a fit with an effect by subgroup says.

    Attributes
    ----------
    table : DataFrame
        One row a subgroup, that of everybody ("") first: subgroup, patients (mean over cohorts), hazard_ratio (median),
        lower, upper, probability_of_benefit, and the same three without shrinkage: alone, alone_lower, alone_upper.
    spread : tuple of float
        Median and 95 % limits of the standard deviation of the subgroup effects.
    apart : float
        Probability that the hazard ratio of the subgroup with the highest median is above that with the lowest.
    """

    table: pd.DataFrame
    spread: tuple[float, ...]
    apart: float


def effect_over_time(reading: Reading, time_unit: str) -> EffectOverTime:
    """Return how the effect of a fit by interval changes; of several cohorts, over all their draws.

    Parameters
    ----------
    reading : Reading
        Of a fit with the effect `by_interval`, pooled or not.
    time_unit : str

    Raises
    ------
    ValueError
        Where the fit has another effect.
    """
    rows, draws = _conditional(reading, "by_interval")
    ends = rows["time"].to_numpy(dtype=float)
    table = pd.DataFrame({"start": [0.0, *ends[:-1]], "end": ends, **_summary(rows)})
    crossing = (draws < 0).any(axis=0) & (draws > 0).any(axis=0)
    return EffectOverTime(
        table,
        _parameter(reading, "treatment_effect_step_sd"),
        float((draws[-1] > draws[0]).mean()),
        float(crossing.mean()),
        time_unit,
    )


def effect_by_subgroup(study: Study, cohorts: Sequence[Cohort], reading: Reading) -> EffectBySubgroup:
    """Return the effects of a fit by subgroup, with those of Cox models with interactions beside them.

    The Cox model holds treatment, its products with the same modifiers, and the columns of the outcome model; nothing
    shrinks there. Over cohorts its estimates are averaged and their variance between cohorts is added (Rubin 1987, doi
    10.1002/9780470316696).

    Raises
    ------
    ValueError
        Where the fit has another effect.
    """
    rows, draws = _conditional(reading, "by_subgroup")
    questions = [question_of(study, cohort, reading.request) for cohort in cohorts]
    found = [
        unshrunk(one.cohort, one.spec.effect, isinstance(one.spec.observation, TimeSplit))
        for one in questions
    ]
    labels = rows["subgroup"].fillna("").astype(str)
    aligned = [one.set_index("subgroup").reindex(labels) for one in found]
    estimate = np.stack([one["estimate"].to_numpy() for one in aligned])
    within = np.stack([one["standard_error"].to_numpy() ** 2 for one in aligned]).mean(axis=0)
    count = len(cohorts)
    between = (1 + 1 / count) * estimate.var(axis=0, ddof=1) if count > 1 else 0.0
    middle, error = estimate.mean(axis=0), np.sqrt(within + between)
    table = pd.DataFrame(
        {
            "subgroup": labels.to_numpy(),
            "patients": np.stack([one["patients"].to_numpy() for one in aligned]).mean(axis=0),
            **_summary(rows),
            "alone": np.exp(middle),
            "alone_lower": np.exp(middle - NORMAL * error),
            "alone_upper": np.exp(middle + NORMAL * error),
        }
    )
    middles = np.median(draws[1:], axis=1)
    highest, lowest = draws[1 + int(middles.argmax())], draws[1 + int(middles.argmin())]
    apart = float((highest > lowest).mean())
    return EffectBySubgroup(table, _parameter(reading, "subgroup_effect_sd"), apart)


def unshrunk(cohort: Cohort, effect: Effect, time_split: bool = False) -> pd.DataFrame:
    """Return the log hazard ratio in each subgroup by a Cox model with interactions.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    effect : Effect
        By subgroup: which modifiers.
    time_split : bool
        Whether patients count as untreated until treatment begins.

    Returns
    -------
    DataFrame
        subgroup, patients, estimate, standard_error; NaN where the model has no estimate.
    """
    modifiers = effect.arrays(cohort)[MODIFIERS]
    episodes = episodes_of(cohort, time_split)
    treated = episodes.treated.astype(float)[:, None]
    products = treated * modifiers[episodes.patient]
    columns = np.hstack([treated, products, cohort.outcome.values[episodes.patient]])
    terms = [str(number) for number in range(columns.shape[1])]
    fitted = cox(episodes.time, episodes.event, columns, terms, episodes.entry)
    size = 1 + modifiers.shape[1]
    coefficients = fitted.table["coefficient"].to_numpy(dtype=float)[:size]
    known = fitted.fitter is not None and np.isfinite(coefficients).all()
    covariance = (
        fitted.fitter.variance_matrix_.loc[terms[:size], terms[:size]].to_numpy()
        if known and fitted.fitter is not None
        else np.full((size, size), np.nan)
    )
    rows = []
    for subgroup, contrast, patients in _contrasts(cohort, effect, modifiers):
        rows.append(
            {
                "subgroup": subgroup,
                "patients": patients,
                "estimate": float(contrast @ coefficients) if known else np.nan,
                "standard_error": float(np.sqrt(contrast @ covariance @ contrast)),
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


def _conditional(reading: Reading, effect: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of the hazard ratio, and the draws of its log (row, draw)."""
    if reading.request.effect != effect:
        raise ValueError(f"the effect must be {effect}, but found {reading.request.effect}")
    table = reading.estimands
    conditional = table["population"] == "conditional"
    places = np.flatnonzero(conditional & (table["estimand"] == "log_hazard_ratio"))
    draws = reading.draws["estimand"].to_numpy()[places]
    return table[conditional & (table["estimand"] == "hazard_ratio")], draws.reshape(len(places), -1)


def _summary(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    names = {
        "median": "hazard_ratio",
        "lower": "lower",
        "upper": "upper",
        "probability_of_benefit": "probability_of_benefit",
    }
    return {new: rows[old].to_numpy(dtype=float) for old, new in names.items()}


def _parameter(reading: Reading, name: str) -> tuple[float, ...]:
    """Return median and 95 % limits of a parameter; nothing where the model has none."""
    names = reading.draws["parameter_name"].to_numpy().astype(str)
    if name not in names:
        return ()
    draws = reading.draws["parameter"].to_numpy()[names == name].astype(float)
    return tuple(np.quantile(draws, LIMITS).tolist())


def over_time_in_words(found: EffectOverTime) -> str:
    """Return what the effect by interval says, in a sentence or two."""
    if len(found.table) == 1:
        return "There is one interval only, in which nothing can change."
    more = f"the probability that the last interval's hazard ratio is above the first's is {found.fading:.2f}"
    if found.fading >= LIKELY:
        first = f"The effect fades: {more}."
    elif found.fading <= 1 - LIKELY:
        first = f"The effect grows: {more}."
    else:
        first = f"Whether the effect fades or grows with time is not settled: {more}."
    crossing = f"with probability {found.crossing:.2f} the hazard ratio is below 1 in one interval and above 1 in another"
    return f"{first} The hazards of the arms may cross: {crossing}."


def by_subgroup_in_words(found: EffectBySubgroup) -> str:
    """Return what the effects by subgroup say, in a sentence or two."""
    levels = found.table[found.table["subgroup"] != ""]
    lowest = levels.loc[levels["hazard_ratio"].idxmin()]
    highest = levels.loc[levels["hazard_ratio"].idxmax()]
    ends = " to ".join(f"{row['hazard_ratio']:.2f} ({row['subgroup']})" for row in (lowest, highest))
    verdict = (
        "the effect is unlikely to be the same in both"
        if found.apart >= LIKELY
        else "these patients do not tell the subgroups apart"
    )
    return (
        f"After shrinkage the hazard ratio of the subgroups goes from {ends}; the second is above the first with probability "
        f"{found.apart:.2f}: {verdict}."
    )
