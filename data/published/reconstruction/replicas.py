"""The published statistics of other lifetimes of the same pseudo-patients: what a replicated study would have printed."""

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.reconstruction.layout import layout_of, membership_of
from data.published.reconstruction.margins import strata_of
from data.published.reconstruction.statistics import evaluate
from data.published.reconstruction.targets import targets_of
from data.study.cohort import Cohort
from data.study.study import Study

STATISTICS = ("survival", "median", "log-rank", "hazard ratio", "subgroup median", "subgroup log-rank")


def published_statistics(
    study: Study, evidence: Evidence, cohort: Cohort, time: np.ndarray, event: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray]:
    """What the publication would have printed of replicated lifetimes.

    Parameters
    ----------
    study, evidence : Study, Evidence
    cohort : Cohort
        Pseudo-patients as they were reconstructed, in their order.
    time, event : ndarray (replicate, patient)
        Replicated lifetimes, of whole study.

    Returns
    -------
    targets : DataFrame
        target, family, printed, operator: those printed statistics that a replicate has too. Follow-up is left out,
        because replicates keep the cohort's own censoring.
    values : ndarray (replicate, target)
        On the printed scale. A hazard ratio is one Newton step from the printed one.
    """
    strata, targets = strata_of(study, evidence), targets_of(study, evidence)
    levels = np.array([cohort.covariates[name].cat.codes for name in study.covariates], np.int64)
    levels = levels.reshape(-1, cohort.size).T  # without covariates there is no column
    layout, member = layout_of(targets, list(study.covariates)), membership_of(targets, study, strata, levels)
    chosen = [number for number, target in enumerate(targets) if target.family in STATISTICS]
    values = np.empty((len(time), len(chosen)))
    found = np.zeros(len(targets))
    for replicate, (at, died) in enumerate(zip(time, event, strict=True)):
        order = np.argsort(at, kind="stable").astype(np.int64)
        evaluate(order, np.asarray(at, float), died.astype(np.int64), layout, member, found)
        values[replicate] = [targets[number].value(float(found[number])) for number in chosen]
    table = pd.DataFrame(
        [
            (targets[number].name, targets[number].family, targets[number].printed, targets[number].operator)
            for number in chosen
        ],
        columns=pd.Index(["target", "family", "printed", "operator"]),
    )
    return table, values
