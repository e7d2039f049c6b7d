"""The study file: what is asked, of which patients, with which covariates."""

import tomllib
from difflib import get_close_matches
from os.path import isdir, isfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from data.errors import InputError
from data.files import decode, expand, read_bytes
from data.study.formulas import formula_problem
from data.study.problems import study_problems
from data.study.sections import (
    Baseline,
    CohortSource,
    Covariate,
    Missing,
    Propensity,
    Regression,
    Report,
    Section,
    Text,
    Treatment,
)

STUDIES = Path(__file__).parents[1] / "studies"


class Study(Section):
    """A study as its file describes it. Times and durations are in `time_unit`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: Text
    citation: str = ""
    question: str = ""
    time_unit: Text
    cohort: CohortSource
    treatment: Treatment
    covariates: dict[Text, Covariate] = Field(default_factory=dict)
    missing: Missing = Missing()
    propensity: Propensity
    outcome: Regression
    baseline: Baseline = Baseline(intervals=10)
    report: Report = Report()

    _file: Path = PrivateAttr(default=Path("study.toml"))

    @property
    def file(self) -> Path:
        """The study file."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder of the study file, to which paths in it are relative."""
        return self._file.parent

    def model_post_init(self, context: Any) -> None:
        if isinstance(context, dict) and "file" in context:
            self._file = Path(context["file"])

    @model_validator(mode="after")
    def _sections_agree(self) -> "Study":
        problems = []
        for role, column in self.cohort.columns.used().items():
            if column in self.covariates:
                problems.append(
                    f"[covariates] {column} must not be the {role} column; remove one of the two uses"
                )
        score = self.propensity.score
        if score in self.covariates or score in self.cohort.columns.used().values():
            problems.append(
                f"[propensity] score must be a column of its own, but found {score}, which is used for something else; copy the column"
            )
        if score is not None and self.cohort.source == "reconstruction":
            problems.append(
                "[propensity] score must come with patients, but the source is 'reconstruction'; give a formula"
            )
        for name in self.missing.delta:
            if name not in self.covariates or self.covariates[name].levels is not None:
                known = ", ".join(key for key, one in self.covariates.items() if one.levels is None) or "none"
                problems.append(
                    f"[missing] delta must name continuous covariates, but found {name}; there are {known}"
                )
        for key, regression in (("propensity", self.propensity), ("outcome", self.outcome)):
            problem = formula_problem(regression.formula, self.covariates)
            if problem:
                problems.append(f"[{key}] formula {problem}")
        if problems:
            raise ValueError(*problems)
        return self


def bundled_studies() -> tuple[str, ...]:
    """Names of the studies that come with the project."""
    return tuple(sorted(file.parent.name for file in STUDIES.glob("*/study.toml")))


def load_study(reference: str | Path) -> Study:
    """The study that a name, a study file or its folder stands for.

    Parameters
    ----------
    reference : str or Path
        Name of a bundled study, which comes first; a study file; or the folder that holds ``study.toml``.

    Raises
    ------
    InputError
        If no study is there, or its file is not as it must be; all problems are listed together.
    """
    file = find_study(reference)
    return parse_study(decode(read_bytes(file), str(file)), file)


def find_study(reference: str | Path) -> Path:
    """The study file that a reference stands for."""
    name = str(reference)
    if name in bundled_studies():
        return STUDIES / name / "study.toml"
    path = expand(reference)
    if isdir(path):  # of os.path, which takes any text for a path that is not there
        if isfile(path / "study.toml"):
            return path / "study.toml"
        raise InputError(f"{path}: a study folder must hold a file study.toml, but found none.")
    if isfile(path):
        return path
    close = get_close_matches(name, bundled_studies(), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise InputError(
        f"STUDY must be a bundled name, a study.toml or its folder, but found '{name}'.{hint} "
        f"Bundled studies: {', '.join(bundled_studies()) or 'none'}."
    )


def parse_study(text: str, file: str | Path) -> Study:
    """The study in a text.

    Parameters
    ----------
    text : str
        TOML.
    file : str or Path
        Where the text is, or would be: for messages and relative paths.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a ValueError for numbers of thousands of digits
        raise InputError(f"{file}: must be valid TOML, but: {error}.") from error
    try:
        return Study.model_validate(content, context={"file": file})
    except ValidationError as error:
        problems = study_problems(error, Study)
        listed = "".join(f"\n  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{file}: {count} in the study file:{listed}") from error
