"""Cohorts made of another: the pairs of a matching, those at risk at a landmark, or all without some covariates."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.errors import NotEstimableError
from data.study.cohort import Cohort, content_hash, read_only
from data.study.formulas import Design, build_design


def some_patients(cohort: Cohort, inside: np.ndarray, outcome_terms: bool) -> Cohort:
    """Return the cohort of some patients, in their order.

    Parameters
    ----------
    cohort : Cohort
        The patients to choose from.
    inside : ndarray of bool (patient,)
        Who stays.
    outcome_terms : bool
        True: both designs are centred again, over those who stay. False: the same, but the outcome design has no
        columns, for an outcome model with treatment alone.

    Returns
    -------
    Cohort
        Knots and scales of the designs are those of the whole cohort. Columns that no longer vary are left out, as they
        cannot tell anybody apart; `terms` names those that stay. The same designs come back where everybody stays.

    Raises
    ------
    ValueError
        Where `inside` does not mark at least one patient of the cohort.
    """
    inside = np.asarray(inside)
    if inside.dtype != bool or inside.shape != (cohort.size,) or not inside.any():
        raise ValueError(
            f"inside must mark some of {cohort.size} patients with true or false, but found {inside.dtype} of shape "
            f"{inside.shape} with {np.count_nonzero(inside)} marked"
        )
    start = cohort.treatment_start
    covariates = cohort.covariates[inside].reset_index(drop=True)
    outcome = _rows_of(cohort.outcome, inside) if outcome_terms else build_design("1", covariates)
    return hashed(
        replace(
            cohort,
            **{name: read_only(value[inside]) for name, value in _patients(cohort).items()},
            treatment_start=None if start is None else read_only(start[inside]),
            covariates=covariates,
            outcome=outcome,
            propensity=_rows_of(cohort.propensity, inside),
        )
    )


def landmark_cohort(cohort: Cohort, landmark: float) -> Cohort:
    """Return the patients followed beyond a landmark, in the arms that they were in when it came.

    Who has begun treatment by then is treated, whatever follows; who begins later is a control. Time counts from the
    same origin as before, and patients are at risk from the landmark on, or from their entry if that is later, so that
    nobody is credited with having survived until treatment (Anderson, Cain and Gelber 1983, doi 10.1200/JCO.1983.1.11.710).

    Parameters
    ----------
    cohort : Cohort
        With start times.
    landmark : float
        0 or later, in the study's time unit.

    Returns
    -------
    Cohort
        Without start times; its designs are centred again, as by `some_patients`.

    Raises
    ------
    NotEstimableError
        Where nobody of an arm is left after the landmark, or nobody who is left in it has the event.
    ValueError
        Where the cohort has no start times, or the landmark is before 0.
    """
    if cohort.treatment_start is None:
        raise ValueError("a landmark analysis needs start times, but the cohort has none")
    if not 0 <= landmark < np.inf:
        raise ValueError(f"landmark must be a time of 0 or later, but found {landmark:g}")
    inside = cohort.time > landmark
    begun = cohort.treatment & (np.where(cohort.treatment, cohort.treatment_start, np.inf) <= landmark)
    _refuse_empty_arms(cohort, inside, begun, landmark)
    arms = replace(
        cohort,
        treatment=read_only(begun),
        treatment_start=None,
        entry=read_only(np.maximum(cohort.entry, landmark)),
    )
    return some_patients(arms, inside, outcome_terms=True)


def _refuse_empty_arms(cohort: Cohort, inside: np.ndarray, begun: np.ndarray, landmark: float) -> None:
    arms = ((cohort.treated_label, begun), (cohort.control_label, ~begun))
    left = [
        (label, int((inside & arm).sum()), int((inside & arm & cohort.event).sum())) for label, arm in arms
    ]
    if all(events > 0 for _, _, events in left):
        return
    found = " and ".join(f"{size} in {label} with {events} events" for label, size, events in left)
    start = np.nanmin(np.asarray(cohort.treatment_start))
    raise NotEstimableError(
        f"{cohort.study}: landmark must leave patients with events in both arms, but found {found} after "
        f"{landmark:g} {cohort.time_unit}; choose a landmark at or after the first start of treatment "
        f"({start:g}) and before the last events, or --exposure time_split"
    )


def _patients(cohort: Cohort) -> dict[str, np.ndarray]:
    names = ("patient", "time", "event", "treatment", "entry")
    return {name: getattr(cohort, name) for name in names}


def hashed(cohort: Cohort) -> Cohort:
    """Return the cohort with the hash of what it holds, made as `validate_cohort` makes it."""
    patients = _patients(cohort) | {"treatment_start": cohort.treatment_start}
    designs = {"outcome": cohort.outcome, "propensity": cohort.propensity}
    return replace(cohort, sha256=content_hash(patients, cohort.covariates, designs))


def _rows_of(design: Design, inside: np.ndarray) -> Design:
    """Return the rows of a design, centred again, without the columns that no longer vary."""
    if inside.all():
        return design
    raw = design.values[inside] + design.means
    varies = np.ptp(raw, axis=0) > 1e-12 * np.abs(raw).max(axis=0, initial=0)
    varies |= np.array([term == design.given for term in design.terms], dtype=bool)
    kept = raw[:, varies]
    means = kept.mean(axis=0)
    terms = tuple(term for term, stays in zip(design.terms, varies, strict=True) if stays)
    return replace(design, terms=terms, values=read_only(kept - means), means=read_only(means))


def columns_of(design: Design, covariates: Sequence[str]) -> np.ndarray:
    """Return which columns of a design (term,) hold one of some covariates, interactions included."""
    wanted = set(covariates)
    return np.array([bool(design.covariates[term] & wanted) for term in design.terms], dtype=bool)


def without_covariates(cohort: Cohort, covariates: Sequence[str]) -> Cohort:
    """Return the cohort with the columns of some covariates at 0, their mean, for every patient, in both designs.

    The likelihood does not depend on the coefficients of such columns: they have their priors, independent of everything else,
    which has the posterior of a model whose formulas never named the covariates. The designs keep their shape, so that the
    model need not be compiled again.

    Parameters
    ----------
    cohort : Cohort
    covariates : sequence of str
        Names of covariates; their interactions with others go too.
    """
    return hashed(
        replace(
            cohort,
            outcome=_at_zero(cohort.outcome, covariates),
            propensity=_at_zero(cohort.propensity, covariates),
        )
    )


def _at_zero(design: Design, covariates: Sequence[str]) -> Design:
    return replace(design, values=read_only(np.where(columns_of(design, covariates), 0.0, design.values)))
