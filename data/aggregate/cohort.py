"""The cohort of aggregates: one row a covariate pattern and arm, with the counts of the patients that it stands for."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd

from data.aggregate.table import EVENT, INTERVAL, PREFIX, TREATED, Aggregate, Withheld, added, read_aggregate
from data.errors import InputError
from data.files import expand
from data.study.cohort import Cohort, read_only
from data.study.content import content_hash
from data.study.counts import Counts, Exits, counts_of
from data.study.formulas import Design, build_design
from data.study.study import Study


def load_aggregate(study: Study) -> tuple[Cohort, Study, tuple[Withheld, ...]]:
    """Return the cohort of a study of source "aggregate", the study with the table's cut points, and what each site withholds.

    Raises
    ------
    InputError
        Where a table cannot be read, does not suit the study, or several do not suit each other.
    """
    places = [f"{study.file}: [cohort] path '{path}'" for path in study.cohort.paths]
    tables = [
        read_aggregate(study.folder / expand(path), place)
        for path, place in zip(study.cohort.paths, places, strict=True)
    ]
    aggregate = added(tables, places)
    _check_suits(aggregate, study)
    baseline = study.baseline.model_copy(update={"cutpoints": aggregate.cutpoints, "intervals": None})
    settled = study.model_copy(update={"baseline": baseline})
    return aggregate_cohort(aggregate, settled), settled, aggregate.withheld


def _check_suits(aggregate: Aggregate, study: Study) -> None:
    """Refuse a table that counts other things than the study names: all problems together."""
    problems, known = [], aggregate.covariates
    for name, covariate in study.covariates.items():
        if name not in known:
            problems.append(
                f"[covariates] {name} must be in the table, but it has {', '.join(known) or 'none'}"
            )
        elif covariate.levels is not None and covariate.levels != known[name]:
            problems.append(
                f"[covariates] {name} must have the table's levels, {', '.join(known[name])}, but found {', '.join(covariate.levels)}"
            )
    stated = study.baseline.cutpoints
    for key, own, found in (
        (
            "[baseline] cutpoints",
            list(aggregate.cutpoints),
            list(aggregate.cutpoints if stated is None else stated),
        ),
        ("time_unit", f"'{aggregate.time_unit}'", f"'{study.time_unit}'"),
        ("[treatment] treated", f"'{aggregate.treated}'", f"'{study.treatment.treated}'"),
    ):
        if own != found:
            problems.append(f"{key} must be the table's, {own}, but found {found}")
    if problems:
        raise InputError(
            f"{study.file}: {'; '.join(problems)}; correct the study file, or make the table again"
        )


def aggregate_cohort(aggregate: Aggregate, study: Study) -> Cohort:
    """Return the cohort of an aggregate: its rows are covariate patterns by arm, and `counts` says of whom.

    Of a row `time` is the last follow-up of its arm, and `event` whether it has any. Designs are centred at the mean over patients, as
    those of patients are.
    """
    used = [PREFIX + name for name in study.covariates]
    rows = aggregate.rows
    keys = rows[[*used, TREATED]]
    place = keys.groupby([*used, TREATED], observed=True, sort=True).ngroup().to_numpy()
    first = np.unique(place, return_index=True)[1]
    patterns = keys.iloc[first].reset_index(drop=True)
    exits = _exits(rows, place)
    counts = counts_of(exits, len(patterns), aggregate.cutpoints)
    covariates = pd.DataFrame(
        {name: patterns[PREFIX + name] for name in study.covariates}, index=patterns.index
    )
    outcome = _design(study.outcome.formula, covariates, counts, f"{study.file}: [outcome] formula")
    propensity = outcome
    if study.propensity.formula != study.outcome.formula:
        propensity = _design(
            study.propensity.formula, covariates, counts, f"{study.file}: [propensity] formula"
        )
    treatment = patterns[TREATED].to_numpy(bool)
    if treatment.all() or not treatment.any() or not exits.event.any():
        raise InputError(
            f"{study.file}: [cohort] path must hold patients of both arms, and events; make the table again"
        )
    control_end, treated_end = aggregate.follow_up
    arrays = {
        "patient": np.array([f"pattern {row + 1}" for row in range(len(patterns))]),
        "time": np.where(treatment, treated_end, control_end),
        "event": counts.deaths.sum(axis=1) > 0,
        "treatment": treatment,
        "entry": np.zeros(len(patterns)),
    }
    patients = {name: read_only(array) for name, array in arrays.items()}
    designs = {"outcome": outcome, "propensity": propensity}
    stated = content_hash(patients | _content(counts), covariates, designs)
    return Cohort(
        study=study.name,
        time_unit=study.time_unit,
        treated_label=study.treatment.treated_label,
        control_label=study.treatment.control_label,
        **patients,
        treatment_start=None,
        covariates=covariates,
        outcome=outcome,
        propensity=propensity,
        sha256=sha256(f"counts {stated}".encode()).hexdigest(),
        counts=counts,
    )


def _exits(rows: pd.DataFrame, place: np.ndarray) -> Exits:
    """Return the exits of each row of the cohort; rows of the table that differ in covariates that the study leaves out are added."""
    keys = pd.DataFrame({"row": place, INTERVAL: rows[INTERVAL], EVENT: rows[EVENT]})
    sums = rows[["patients", "time", "time_squared"]].groupby([keys[name] for name in keys], sort=True).sum()
    levels = sums.index.to_frame(index=False)
    return Exits(
        levels["row"].to_numpy(int),
        levels[INTERVAL].to_numpy(int),
        levels[EVENT].to_numpy(bool),
        *(sums[name].to_numpy(float) for name in sums.columns),
    )


def _design(formula: str, covariates: pd.DataFrame, counts: Counts, place: str) -> Design:
    """Return the design of the rows, centred at the mean over their patients."""
    design = build_design(formula, covariates, place)
    shift = np.average(design.values, axis=0, weights=counts.patients)
    return replace(design, values=read_only(design.values - shift), means=read_only(design.means + shift))


def _content(counts: Counts) -> dict[str, np.ndarray]:
    """Return all numbers of the counts, for the checksum of the cohort."""
    exits = {name: np.asarray(values, dtype=float) for name, values in vars(counts.exits).items()}
    return {"cutpoints": np.array(counts.cutpoints, dtype=float), **exits}
