"""What a person chooses by name: a member of a family, a prior set."""

from collections.abc import Collection

import numpy as np

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study
from models.prior_files import find_prior_set, read_prior_set, with_conflict
from models.priors import PriorSet
from models.specification import check_prior_terms, known_parameters


def member(option: str, name: str, family: Collection[str]) -> None:
    """Raise InputError unless a name is that of a family's member."""
    if name not in family:
        raise InputError(f"{option} must be one of {', '.join(family)}, but found {name}; choose one of them")


def prior_set(reference: str, study: Study, cohort: Cohort) -> PriorSet:
    """Return the prior set of a path or name, its terms being those of the study."""
    chosen = read_prior_set(reference, known_parameters(), study.folder, study.time_unit)
    terms = {
        "outcome_coefficients": cohort.outcome.terms,
        "propensity_coefficients": cohort.propensity.terms,
    }
    try:
        check_prior_terms(chosen, terms)
    except InputError as error:
        raise InputError(f"{find_prior_set(reference, study.folder)}: {error}") from error
    survival = np.log(2.0) * float((cohort.time - cohort.entry).sum()) / cohort.events
    return with_conflict(chosen, known_parameters(), study.time_unit, survival)
