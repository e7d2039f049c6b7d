"""Medians of subgroups, and of groups whose sizes a paper does not print, with their log-rank tests."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import chi2

from data.published.evidence import Evidence
from data.published.evidence_rows import SubgroupMedian
from inference.predictive.replicates.risk_sets import counts
from inference.published.reanalysis.lines import Line, PseudoPatients, arm_words
from inference.published.reanalysis.normal_median import GroupCurve
from inference.published.reanalysis.survival_lines import log_rank_p


def subgroup_lines(pseudo: PseudoPatients, evidence: Evidence) -> Iterator[Line]:
    """Yield medians of subgroups by arm with the test of the arms, and of groups of one arm with the test of all of them."""
    names, analyses = evidence.names.subgroups, dict.fromkeys(row.analysis for row in evidence.subgroups)
    for analysis in analyses:
        rows = [row for row in evidence.subgroups if row.analysis == analysis]
        family = f"Subgroups, {analysis.replace('_', ' ')}"
        for row in rows:
            inside = members(pseudo, evidence, row)
            if inside is None:
                continue
            median = GroupCurve(pseudo.cohort.time[inside], pseudo.cohort.event[inside]).curve.median
            name = f"{row.subgroup}, {arm_words(evidence, row.arm)}, median"
            yield Line(family, name, row.median, median, row.median.unit)
        if all(row.subgroup in names.columns for row in rows):
            for subgroup in dict.fromkeys(row.subgroup for row in rows):
                first = next(row for row in rows if row.subgroup == subgroup)
                inside = of_level(pseudo, names.columns[subgroup]) & pseudo.inside(names.phase)
                yield Line(family, f"{subgroup}, log-rank P", first.p, log_rank_p(pseudo, inside), "P")
        elif analysis in pseudo.groups and len({row.subgroup for row in rows}) > 1:
            inside = (pseudo.groups[analysis] != "") & pseudo.inside(names.phase, rows[0].arm)
            labels = pseudo.groups[analysis][inside]
            p = log_rank_p_of_groups(pseudo.cohort.time[inside], pseudo.cohort.event[inside], labels)
            yield Line(family, "all groups, log-rank P", rows[0].p, p, "P")


def members(pseudo: PseudoPatients, evidence: Evidence, row: SubgroupMedian) -> np.ndarray | None:
    """Return who is in the subgroup of a row; None where nothing marks it."""
    names = evidence.names.subgroups
    inside = pseudo.inside(names.phase, row.arm)
    if row.subgroup in names.columns:
        return inside & of_level(pseudo, names.columns[row.subgroup])
    if row.analysis in pseudo.groups:
        return inside & (pseudo.groups[row.analysis] == row.subgroup)
    return None


def of_level(pseudo: PseudoPatients, column: str) -> np.ndarray:
    """Return who has a site, or whatever a 0/1 covariate marks."""
    return (pseudo.cohort.covariates[column].astype(str) == "1").to_numpy()


def log_rank_p_of_groups(time: np.ndarray, event: np.ndarray, labels: np.ndarray) -> float:
    """Return the P value of the log-rank test of several groups (Peto and Peto 1972, doi 10.2307/2344317); NaN for one group."""
    groups = np.unique(labels)
    if len(groups) < 2 or not event.any():
        return float("nan")
    entry, at = np.zeros(len(time)), np.unique(time[event])
    deaths, at_risk = counts(time, event, entry, at)
    parts = [counts(time[labels == one], event[labels == one], entry[labels == one], at) for one in groups]
    # The last group follows from the others.
    share = np.array([part[1] / at_risk for part in parts[:-1]])
    excess = np.array([part[0].sum() for part in parts[:-1]]) - share @ deaths
    weight = deaths * (at_risk - deaths) / np.maximum(at_risk - 1, 1)
    covariance = np.diag(share @ weight) - (share * weight) @ share.T
    statistic = float(excess @ np.linalg.solve(covariance, excess))
    return float(chi2.sf(statistic, len(groups) - 1))
