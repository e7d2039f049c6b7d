"""What the compiled statistics read, as arrays: which statistics are wanted, and which pseudo-patient counts in which."""

from typing import NamedTuple

import numpy as np

SURVIVAL, MEDIAN, MEDIAN_ERROR, LOG_RANK, HAZARD_RATIO, LOG_RATIO_ERROR, WALD, OVERALL, AT_RISK, EVENTS = (
    range(10)
)


class Layout(NamedTuple):
    """What is computed; the same for every cohort of a study.

    Groups are sets of pseudo-patients with one curve each; terms are the columns of Cox fits, one fit after another.
    Parts are what is computed in one go: the curve of each group, then the log-rank test of each pair, then each fit.
    """

    reverse: np.ndarray  # (group,) 1: censoring is the event, which gives the follow-up
    pairs: np.ndarray  # (pair, 2) groups of each log-rank test
    checkpoint_first: np.ndarray  # (group + 1,) first checkpoint of each group
    checkpoints: np.ndarray  # (checkpoint,) times, increasing within a group
    fit_first: np.ndarray  # (fit + 1,) first term of each fit
    log_ratio: np.ndarray  # (term,) printed
    kind: np.ndarray  # (target,) one of the kinds above
    index: np.ndarray  # (target,) group, pair, term or fit
    at: np.ndarray  # (target,) checkpoint of a survival probability or a count, within its group
    until: np.ndarray  # (target,) the last checkpoint at which a survival probability may have been read
    aim: np.ndarray  # (target,) printed value
    width: np.ndarray  # (target,) standard deviation of the rounding likelihood
    flat: np.ndarray  # (target,) how far from the aim it is level
    bound: np.ndarray  # (target,) 1 where the value need only be as large as the aim
    part_first: np.ndarray  # (part + 1,) first entry of each in `part_targets`
    part_targets: np.ndarray  # the targets that a part gives
    part_column: np.ndarray  # (part,) covariate that marks the group or groups of a curve or test, or -1
    term_column: np.ndarray  # (term,) covariate of each, or -1 for the treatment


class Membership(NamedTuple):
    """Which pseudo-patient counts where; one for each cohort, and changed in place where covariates change."""

    # 0: not in it; 1 and 2: the two groups of a test
    roles: np.ndarray  # (part, patient)
    sizes: np.ndarray  # (group,)
    terms: np.ndarray  # (term, patient) 0 or 1
    weights: np.ndarray  # (fit, patient) relative hazard at the printed log hazard ratios
    risk: np.ndarray  # (fit,) weights of all in the fit
    risk_term: np.ndarray  # (term,) of those with the term
    risk_square: np.ndarray  # (term, place of another term in its fit) of those with both


class Covariates(NamedTuple):
    """The covariates of a cohort and the model that they are drawn from; changed in place."""

    levels: np.ndarray  # (patient, covariate) level numbers
    # (patient, covariate) of the copula: within a stratum, levels are allotted by their rank
    latent: np.ndarray
    precision: np.ndarray  # (covariate, covariate) inverse of the latents' correlation
    requires: np.ndarray  # (rule, 4) a covariate and level, and the covariate and level that they require
    sites: np.ndarray  # (site, 2) covariates and levels of which each pseudo-patient has at least one
