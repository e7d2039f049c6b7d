"""How the published tables of a study name what its study file calls by other names: ``evidence/evidence.toml``."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from data.errors import InputError
from data.files import decode, read_bytes
from data.study.problems import study_problems
from data.study.sections import Cells, Names, Positive, Section, Text, as_tuple

Phase = Literal["before", "after"]
Checksum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Arms(Section):
    """What the tables call the two arms."""

    treated: Text
    control: Text

    @model_validator(mode="after")
    def _differ(self) -> "Arms":
        if self.treated == self.control:
            raise ValueError(f"must call the arms by two names, but found {self.treated} for both")
        return self


class CoxTerm(Section):
    """The patients that a row of a published Cox table means: those whose `column` holds one of `levels`.

    ``column = "treatment"`` is the treatment itself.
    """

    variable: Text
    level: Text
    column: Text
    levels: Cells
    note: str = ""


class Subgroups(Section):
    """Which patients the published subgroup medians are of, and the columns that mark them."""

    phase: Phase = "before"
    reason: str = ""
    columns: dict[Text, Text] = Field(default_factory=dict)


class Requirement(Section):
    """Patients whose `column` holds `level` must hold `given_level` in `given`."""

    column: Text
    level: Text
    given: Text
    given_level: Text


class Constraints(Section):
    """What no patient of the study can be, whatever the margins."""

    at_least_one: Names = ()
    requires: Annotated[tuple[Requirement, ...], BeforeValidator(as_tuple)] = ()


class Timing(Section):
    """Covariates of which the publication does not say whether they were there at time zero, by the name of their group."""

    reason: str = ""
    unknown: dict[Text, Names] = Field(default_factory=dict)


class CurveSource(Section):
    """Where a digitised curve is printed, and on which scales its tables have it.

    Attributes
    ----------
    source : str
        The figure.
    scale, of : str
        "fraction" or "percent"; of "survival", or of "failure", its complement.
    time_unit : str
        Of all times of the curve; empty: the study's.
    time_resolution, survival_resolution : float or None
        Smallest differences that the reading tells apart, in the units of the tables; None: estimated from the points.
    at_risk_counts : str
        Numbers at risk count those whose time is the column's time or later ("before"), or later only ("at"); empty where
        it is not stated.
    events_and_censored : str
        Printed beside the numbers at risk: "cumulative", or "by_interval", since the column before.
    """

    source: Text
    scale: Literal["fraction", "percent"] = "fraction"
    of: Literal["survival", "failure"] = "survival"
    time_unit: str = ""
    time_resolution: Positive | None = None
    survival_resolution: Positive | None = None
    at_risk_counts: Literal["before", "at", ""] = ""
    events_and_censored: Literal["cumulative", "by_interval"] = "cumulative"

    @property
    def whole(self) -> float:
        """What the scale has for 1."""
        return 100.0 if self.scale == "percent" else 1.0


class EvidenceNames(Section):
    """The file ``evidence/evidence.toml``.

    Attributes
    ----------
    sha256 : dict
        Tables of the folder, with their checksums ("" for one that is not checked).
    arms : Arms
        What the tables call the arms.
    variables : dict
        Variable of baseline.csv to covariate; to a table of level to covariate (0/1) where several levels may apply
        to one patient.
    cox : tuple of CoxTerm
        What the rows of cox.csv mean.
    subgroups : Subgroups
    constraints : Constraints
    timing : Timing
    curves : dict
        What the curves of curves.csv are, by name.
    """

    sha256: dict[Text, Checksum | Literal[""]]
    arms: Arms
    variables: dict[Text, Text | dict[Text, Text]] = Field(default_factory=dict)
    cox: Annotated[tuple[CoxTerm, ...], BeforeValidator(as_tuple)] = ()
    subgroups: Subgroups = Subgroups()
    constraints: Constraints = Constraints()
    timing: Timing = Timing()
    curves: dict[Text, CurveSource] = Field(default_factory=dict)

    def columns(self) -> Iterator[str]:
        """Yield every covariate that the tables tell of."""
        for target in self.variables.values():
            if isinstance(target, str):
                yield target
            else:
                yield from target.values()

    def arm_of(self, label: str) -> str:
        """The arm that a label means: treated, control, or nothing for a row on all patients."""
        return {self.arms.treated: "treated", self.arms.control: "control"}.get(label, "")


def read_evidence_names(file: Path) -> EvidenceNames:
    """The names in a file.

    Raises
    ------
    InputError
        If it is not there, or not as it must be; all problems together.
    """
    text = decode(read_bytes(file, "the names of the published tables: "), str(file))
    try:
        return EvidenceNames.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: must be valid TOML, but: {error}.") from error
    except ValidationError as error:
        listed = "".join(f"\n  - {problem}" for problem in study_problems(error, EvidenceNames))
        raise InputError(f"{file}: what is wrong with it:{listed}") from error
