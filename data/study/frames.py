"""A study and its patients from objects in memory: a mapping with the keys of a study file, and a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import tomlkit

from data.errors import InputError
from data.study.cohort import Cohort, validate_cohort
from data.study.study import Study, parse_study

PLACE = "study"  # in messages, instead of a file


def study_from(content: Mapping[str, Any]) -> Study:
    """The study that a mapping describes.

    Parameters
    ----------
    content : mapping
        Keys and values of a study file. `name`, `title`, and where the patients are ([cohort] source and path) may be left out.

    Raises
    ------
    InputError
        If it is not as a study file must be; all problems are listed together.

    Examples
    --------
    >>> study = study_from({
    ...     "time_unit": "months",
    ...     "cohort": {"columns": {"time": "months", "event": "died", "treatment": "therapy"}},
    ...     "treatment": {"treated": "yes"},
    ...     "covariates": {"age": {}, "grade": {"levels": ["I", "II", "III"]}},
    ...     "propensity": {"formula": "age + grade"},
    ...     "outcome": {"formula": "age + grade"},
    ... })
    >>> study.treatment.treated_label, list(study.covariates)
    ('Treated', ['age', 'grade'])
    """
    name = content.get("name", PLACE)
    stated = {"name": name, "title": name, **content}
    if isinstance(stated.get("cohort", {}), Mapping):
        stated["cohort"] = {"source": "file", "path": "frame", **stated.get("cohort", {})}
    try:
        text = tomlkit.dumps(stated)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{PLACE}: must hold text, numbers, truth values, lists and mappings, but: {error}"
        ) from error
    return parse_study(text, PLACE)


def cohort_from(frame: pd.DataFrame, study: Study) -> Cohort:
    """The patients of a table, after every check.

    Parameters
    ----------
    frame : DataFrame
        One row for each patient. Columns that the study does not name are ignored.
    study : Study
        Which column holds what.

    Raises
    ------
    InputError
        If anything is wrong with the patients: all problems together. Missing cells of covariates are refused where they are to be
        imputed, which makes several cohorts of one table: `rtsurv fit` and `rtsurv analyse` do that.

    Examples
    --------
    >>> study = study_from({
    ...     "time_unit": "months",
    ...     "cohort": {"columns": {"time": "months", "event": "died", "treatment": "therapy"}},
    ...     "treatment": {"treated": "yes"},
    ...     "propensity": {"formula": "1"},
    ...     "outcome": {"formula": "1"},
    ... })
    >>> table = {"months": [3.0, 8.0, 5.0, 9.0], "died": [1, 0, 1, 1], "therapy": ["yes", "yes", "no", "no"]}
    >>> cohort = cohort_from(pd.DataFrame(table), study)
    >>> cohort.size, cohort.events
    (4, 3)
    """
    imputed = [
        name
        for name in study.covariates
        if study.missing.method == "impute" and name in frame and frame[name].isna().any()
    ]
    if imputed:
        raise InputError(
            f"{PLACE}: covariates must have no missing cells here, but found some in {', '.join(imputed)}; write the table to a file "
            'and use `rtsurv fit`, which imputes them, or state method = "complete"'
        )
    return validate_cohort(frame, study, "frame")
