"""The effect in groups of the treated whose sizes are not printed, such as the modality of radiotherapy.

A publication that prints a median for each group and one P value, and neither sizes nor members, leaves both to be drawn:
they differ from cohort to cohort, and all intervals here hold that. Within a cohort the Cox model gives the log hazard
ratio b of each group against the untreated, with covariance V. The groups are shrunk to a common effect:

    b ~ Normal(theta, V),   theta_k ~ Normal(mu, tau^2)

(Rubin 1981, doi 10.3102/10769986006004377), mu with the prior of the treatment effect and tau with that of subgroup effects.
Both are integrated over a grid, theta is drawn in closed form. Groups of which a median is printed have deaths, so that b is finite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from inference.diagnostics.summaries import quantiles
from inference.frequentist.cox_model import independent_columns
from inference.frequentist.efron import EfronCox
from models.effects.by_subgroup import SUBGROUP_EFFECT_SD
from models.effects.effect import TREATMENT_EFFECT
from models.priors import PriorSet

DRAWS = 1000  # of each cohort
GRID = 121  # points along each of mu and tau
TAIL = 1e-4  # of the prior that the grid leaves out at either end


@dataclass(frozen=True, eq=False)
class EffectByGroup:
    """What pseudo-patients say of groups whose sizes are not printed.

    Attributes
    ----------
    analysis : str
        What divides the treated.
    table : DataFrame
        One row a group: group; patients, patients_low, patients_high (mean and range over cohorts); median (as printed, NaN
        where it is not); hazard_ratio, lower, upper, probability_of_benefit against the untreated, shrunk; alone,
        alone_lower, alone_upper, not shrunk.
    apart : float
        Probability that the hazard ratio of the group with the highest median is above that with the lowest.
    cohorts : int
    """

    analysis: str
    table: pd.DataFrame
    apart: float
    cohorts: int


def effect_by_group(
    cohorts: Sequence[Cohort],
    labels: Sequence[np.ndarray],
    medians: Mapping[str, float],
    analysis: str,
    priors: PriorSet,
    seed: int,
) -> EffectByGroup:
    """Return the hazard ratio of each group of the treated against the untreated, over all cohorts with equal weights.

    Parameters
    ----------
    cohorts : sequence of Cohort
    labels : sequence of ndarray of str (patient,)
        The group of each patient of each cohort, "" for those in none; treated patients in none are left out.
    medians : mapping of str to float
        Printed median survival by group; gives the groups and their order.
    analysis : str
        What divides the treated.
    priors : PriorSet
    seed : int
    """
    groups = list(medians)
    sizes, shrunk, alone = [], [], []
    for number, (cohort, of_patient) in enumerate(zip(cohorts, labels, strict=True)):
        estimate, covariance = group_ratios(cohort, of_patient, groups)
        rng = np.random.default_rng([seed, number, 9])
        sizes.append([(of_patient == group).sum() for group in groups])
        shrunk.append(shrunken(estimate, covariance, priors, DRAWS, rng))
        alone.append(rng.multivariate_normal(estimate, covariance, DRAWS))
    draws, plain = np.concatenate(shrunk).T, np.concatenate(alone).T
    lower, middle, upper = np.exp([quantiles(row) for row in draws]).T
    alone_lower, alone_middle, alone_upper = np.exp([quantiles(row) for row in plain]).T
    counted = np.array(sizes)
    table = pd.DataFrame(
        {
            "group": groups,
            "patients": counted.mean(axis=0),
            "patients_low": counted.min(axis=0),
            "patients_high": counted.max(axis=0),
            "median": list(medians.values()),
            "hazard_ratio": middle,
            "lower": lower,
            "upper": upper,
            "probability_of_benefit": (draws < 0).mean(axis=1),
            "alone": alone_middle,
            "alone_lower": alone_lower,
            "alone_upper": alone_upper,
        }
    )
    highest, lowest = draws[int(middle.argmax())], draws[int(middle.argmin())]
    return EffectByGroup(analysis, table, float((highest > lowest).mean()), len(cohorts))


def group_ratios(cohort: Cohort, labels: np.ndarray, groups: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return Cox's log hazard ratios of groups against the untreated (group,), covariates adjusted, and their covariance.

    Labels (patient,) name the group of each of the treated.
    """
    member = labels[:, None] == np.asarray(groups, dtype=object)
    inside = member.any(axis=1) | ~cohort.treatment
    columns = np.hstack([member[inside].astype(float), cohort.outcome.values[inside]])
    columns = columns[:, independent_columns(columns)]
    model = EfronCox(cohort.time[inside], cohort.event[inside], cohort.entry[inside], columns)
    coefficients, covariance = model.estimates()
    size = len(groups)
    return coefficients[:size], covariance[:size, :size]


def shrunken(
    estimate: np.ndarray, covariance: np.ndarray, priors: PriorSet, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Return draws (draw, group) of log hazard ratios that are shrunk to a common one, by priors of that and of the spread around it."""
    shares = np.linspace(TAIL, 1.0 - TAIL, GRID)
    common = priors.prior(TREATMENT_EFFECT).frozen.ppf(shares)
    spread = priors.prior(SUBGROUP_EFFECT_SD).frozen.ppf(shares)
    # On a grid of prior quantiles every point has the same prior mass: only the likelihood weighs.
    log_weight = np.empty((GRID, GRID))
    for place, tau in enumerate(spread):
        total = covariance + tau**2 * np.eye(len(estimate))
        away = estimate - common[:, None]
        _, log_determinant = np.linalg.slogdet(total)
        log_weight[:, place] = -0.5 * (
            np.einsum("ij,ij->i", away @ np.linalg.inv(total), away) + log_determinant
        )
    weight = np.exp(log_weight - log_weight.max()).ravel()
    chosen = rng.choice(weight.size, size=draws, p=weight / weight.sum())
    mu, tau = common[chosen // GRID], spread[chosen % GRID]
    precision = np.linalg.inv(covariance)
    posterior = np.linalg.inv(precision + np.eye(len(estimate)) / tau[:, None, None] ** 2)
    mean = np.einsum("dij,dj->di", posterior, precision @ estimate + (mu / tau**2)[:, None])
    root = np.linalg.cholesky(posterior)
    return mean + np.einsum("dij,dj->di", root, rng.standard_normal(mean.shape))


def by_group_in_words(found: EffectByGroup) -> str:
    """Return how far the effect differs between the groups, in a sentence."""
    table = found.table
    lowest, highest = (table.loc[table["hazard_ratio"].idxmin()], table.loc[table["hazard_ratio"].idxmax()])
    return (
        f"After shrinkage the hazard ratio goes from {lowest['hazard_ratio']:.2f} ({lowest['group']}) to "
        f"{highest['hazard_ratio']:.2f} ({highest['group']}); the second is above the first with probability {found.apart:.2f}."
    )


def sizes_in_words(found: EffectByGroup) -> str:
    """Return how many pseudo-patients the groups have, in a sentence."""
    sizes = ", ".join(
        f"{row['group']} {row['patients_low']:.0f} to {row['patients_high']:.0f}"
        for row in found.table.to_dict("records")
    )
    return f"Over {found.cohorts} cohorts of pseudo-patients the sizes range: {sizes}."
