"""A matching of one's own on pseudo-patients: how many pairs, how balanced, and what comes out of it."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.published.evidence import Evidence
from data.published.printed import Printed
from inference.frequentist.balance import standardised_differences
from inference.frequentist.matching import Method, Scale, logit_propensity, match, on_scale
from inference.published.reanalysis.cox_lines import fit_cox
from inference.published.reanalysis.lines import Line, PseudoPatients, arm_words
from inference.published.reanalysis.normal_median import GroupCurve

FAMILY = "Own matching"
PAIRS_COLUMNS = pd.Index(["cohort", "method", "caliper", "pairs", "largest_difference"])
METHODS: tuple[Method, ...] = ("greedy", "optimal")


def own_score(pseudo: PseudoPatients, scale: Scale) -> NDArray[np.float64]:
    """Return the score (patient,) on the caliper's scale: the study's treatment model by logistic regression."""
    cohort = pseudo.cohort
    return on_scale(logit_propensity(cohort.propensity.values, cohort.treatment), cohort.treatment, scale)


def matching_lines(
    pseudo: PseudoPatients, evidence: Evidence, score: NDArray, caliper: float
) -> Iterator[Line]:
    """Yield pairs, balance, hazard ratio and medians of the pairs of each method by `own_score`, beside the printed ones."""
    cohort, after = pseudo.cohort, "after" in evidence.phases
    printed = evidence.find("treated", "after", "n") if after else None
    published = _largest_difference(pseudo, pseudo.matched) if after and pseudo.matched.any() else np.nan
    everybody = np.ones(cohort.size, dtype=bool)
    unit = "standard deviations"
    name = "largest standardised difference"
    yield Line(FAMILY, f"{name}, before matching", None, _largest_difference(pseudo, everybody), unit)
    yield Line(FAMILY, f"{name}, published matched set", None, published, unit)
    for method in METHODS:
        matching = match(score, cohort.treatment, caliper, method)
        inside = matching.patients(cohort.size)
        yield Line(FAMILY, f"{method}, pairs", printed, float(matching.pairs), "pairs")
        if matching.pairs < 2:
            continue
        difference = _largest_difference(pseudo, inside)
        yield Line(FAMILY, f"{method}, {name}", None, difference, unit)
        treated = cohort.treatment[inside][:, None].astype(float)
        ratio = np.exp(fit_cox(cohort.time[inside], cohort.event[inside], treated).coefficients[0])
        yield Line(
            FAMILY,
            f"{method}, hazard ratio of treatment, univariable",
            treatment_ratio(evidence),
            float(ratio),
            "hazard ratio",
        )
        for arm in ("treated", "control"):
            chosen = inside & pseudo.inside("before", arm)
            median = GroupCurve(cohort.time[chosen], cohort.event[chosen]).curve.median
            of_paper = evidence.find(arm, "after", "median_os")
            words = f"{method}, median survival, {arm_words(evidence, arm)}"
            yield Line(FAMILY, words, of_paper, median, of_paper.unit if of_paper else "")


def treatment_ratio(evidence: Evidence) -> Printed | None:
    """Return the printed univariable hazard ratio of treatment; None where there is none."""
    treatment = {(term.variable, term.level) for term in evidence.names.cox if term.column == "treatment"}
    found = [
        row.hazard_ratio
        for row in evidence.cox
        if row.model == "univariable" and (row.variable, row.level) in treatment
    ]
    return found[0] if found else None


def pairs_by_caliper(pseudo: PseudoPatients, score: NDArray, calipers: Sequence[float]) -> pd.DataFrame:
    """Return how many pairs each method finds, by caliper on the score's scale.

    Returns
    -------
    DataFrame
        ``cohort, method, caliper, pairs, largest_difference`` (standardised, among the pairs).
    """
    cohort, rows = pseudo.cohort, []
    for method in METHODS:
        for caliper in calipers:
            matching = match(score, cohort.treatment, caliper, method)
            inside = matching.patients(cohort.size)
            difference = _largest_difference(pseudo, inside) if matching.pairs > 1 else np.nan
            rows.append((pseudo.number, method, caliper, matching.pairs, difference))
    return pd.DataFrame(rows, columns=PAIRS_COLUMNS)


def _largest_difference(pseudo: PseudoPatients, inside: np.ndarray) -> float:
    """Return the largest standardised difference of the arms, over the columns of the treatment model."""
    cohort = pseudo.cohort
    if not cohort.propensity.terms:
        return float("nan")
    table = standardised_differences(cohort.propensity, cohort.treatment, inside.astype(float))
    return float(table["difference_after"].abs().max())
