"""What the compiled statistics read, as arrays: which statistics are wanted, and which pseudo-patient counts in which."""

from typing import NamedTuple

import numpy as np

SURVIVAL, MEDIAN, MEDIAN_ERROR, LOG_RANK, HAZARD_RATIO, LOG_RATIO_ERROR, WALD, OVERALL = range(8)


class Layout(NamedTuple):
    """What is computed; the same for every cohort of a study.

    Groups are sets of pseudo-patients with one curve each; terms are the columns of Cox fits, one fit after another.
    Parts are what is computed in one go: the curve of each group, then the log-rank test of each pair, then each fit.
    """

    reverse: np.ndarray  # (group,) 1: censoring is the event, which gives the follow-up
    pairs: np.ndarray  # (pair, 2) groups of each log-rank test
    checkpoints: np.ndarray  # (checkpoint,) increasing times
    fit_first: np.ndarray  # (fit + 1,) first term of each fit
    log_ratio: np.ndarray  # (term,) printed
    kind: np.ndarray  # (target,) one of the kinds above
    index: np.ndarray  # (target,) group, pair, term or fit
    at: np.ndarray  # (target,) checkpoint of a survival probability
    aim: np.ndarray  # (target,) printed value
    width: np.ndarray  # (target,) standard deviation of the rounding likelihood; infinite for none
    bound: np.ndarray  # (target,) 1 where the value must only be as large as the aim
    part_first: np.ndarray  # (part + 1,) first entry of each in `part_targets`
    part_targets: np.ndarray  # the targets that a part gives


class Membership(NamedTuple):
    """Which pseudo-patient counts where; one for each cohort."""

    # 0: not in it; those alike in a part, who may change places without changing it, have the same number
    roles: np.ndarray  # (part, patient)
    sizes: np.ndarray  # (group,)
    terms: np.ndarray  # (term, patient) 0 or 1
    weights: np.ndarray  # (fit, patient) relative hazard at the printed log hazard ratios
    risk: np.ndarray  # (fit,) weights of all in the fit
    risk_term: np.ndarray  # (term,) of those with the term
    risk_square: np.ndarray  # (term, place of another term in its fit) of those with both
