"""The sections of a study file, each checked on its own."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from data.study.cells import canonical, range_labels

Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]


def _as_text(value: Any) -> Any:
    """Cells are compared as text, so 1 and true in the study file mean "1" and "true"."""
    return canonical(value) if isinstance(value, bool | int | float) else value


def as_tuple(value: Any) -> Any:
    """A list of the file as a tuple, anything else as it is."""
    return tuple(value) if isinstance(value, list) else value


Cell = Annotated[Text, BeforeValidator(_as_text)]
Cells = Annotated[tuple[Cell, ...], BeforeValidator(as_tuple)]
Names = Annotated[tuple[Text, ...], BeforeValidator(as_tuple)]
Times = Annotated[tuple[Positive, ...], BeforeValidator(as_tuple)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]


class Section(BaseModel):
    """A table of the study file: unknown keys and values of another type are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, str_strip_whitespace=True
    )


class Columns(Section):
    """Which column of the cohort holds what."""

    time: Text
    event: Text
    treatment: Text
    entry: Text | None = None
    treatment_start: Text | None = None
    id: Text | None = None

    def used(self) -> dict[str, str]:
        """Columns by role, those given only."""
        return {role: column for role, column in self if column is not None}

    @model_validator(mode="after")
    def _each_once(self) -> "Columns":
        columns = list(self.used().values())
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise ValueError(f"must use each column once, but found {', '.join(twice)} more than once")
        return self


class CohortSource(Section):
    """Where the patients come from."""

    source: Literal["file", "package", "reconstruction", "aggregate"]
    path: Text | Names | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    rows: Literal["patients", "episodes"] = "patients"
    columns: Columns = Columns(time="time", event="event", treatment="treatment")

    @property
    def paths(self) -> tuple[str, ...]:
        """The files: of an aggregate one or several, whose counts are added; of other sources at most one."""
        return (self.path,) if isinstance(self.path, str) else self.path or ()

    @model_validator(mode="after")
    def _has_a_place(self) -> "CohortSource":
        if self.source == "aggregate":
            if not self.paths:
                raise ValueError(
                    "must have a path with source 'aggregate', or a list of them; add path = ..."
                )
            if self.model_fields_set & {"columns", "rows", "sha256"}:
                raise ValueError(
                    "must have no columns, rows or sha256 with source 'aggregate', whose tables name their own; remove them"
                )
            return self
        if isinstance(self.path, tuple):
            raise ValueError(f"path must be one file with source '{self.source}', but found a list; give one")
        if self.source == "reconstruction":
            if self.path is not None:
                raise ValueError(
                    "must have no path with source 'reconstruction', which reads the evidence/ folder; "
                    "remove the path"
                )
            return self
        if self.path is None:
            raise ValueError(f"must have a path with source '{self.source}', but found none; add path = ...")
        if self.source == "package" and not all(self.path.partition(":")):
            raise ValueError(
                f"path must read 'package:folder/file.csv' with source 'package', but found '{self.path}'"
            )
        if "columns" not in self.model_fields_set:
            raise ValueError("must say which columns hold time, event and treatment; add [cohort.columns]")
        unnamed = [name for name in ("id", "entry", "treatment_start") if getattr(self.columns, name) is None]
        if self.rows == "episodes" and unnamed:
            raise ValueError(
                f"columns must name {', '.join(unnamed)} with rows = 'episodes': the patient, the start of an episode, and "
                "a name for the start of treatment that is made of them"
            )
        return self


class Treatment(Section):
    """Which value of the treatment column means treated, and what to call the arms."""

    treated: Cell
    treated_label: Text = "Treated"
    control_label: Text = "Control"

    @property
    def labels(self) -> dict[str, str]:
        """What the arms are called."""
        return {"treated": self.treated_label, "control": self.control_label}


class Covariate(Section):
    """A covariate: continuous, or categorical if it has levels (the first is the reference) or bins.

    `bins` are the limits between ranges of a number, each of which begins a range; the levels are these ranges.
    """

    levels: Annotated[Cells, Field(min_length=2)] | None = None
    bins: Annotated[Numbers, Field(min_length=1)] | None = None
    unit: str | None = None
    label: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _ranges_are_levels(cls, content: Any) -> Any:
        if isinstance(content, dict) and isinstance(content.get("bins"), list | tuple):
            if content.get("levels") is not None:
                raise ValueError("must give bins or levels, but found both; remove one of them")
            return {**content, "levels": range_labels(content["bins"])}
        return content

    @model_validator(mode="after")
    def _distinct(self) -> "Covariate":
        _refuse_unsorted("bins", self.bins)
        if self.levels and len(set(map(canonical, self.levels))) < len(self.levels):
            raise ValueError(f"levels must differ from each other, but found {', '.join(self.levels)}")
        return self


class Missing(Section):
    """What becomes of patients who lack a cell of a covariate.

    `refuse`: nothing is analysed. `complete`: they are left out. `impute`: their cells are imputed, `imputations` times;
    `delta` says by how much the imputed values of a continuous covariate are shifted in a sensitivity analysis.
    """

    method: Literal["refuse", "complete", "impute"] = "refuse"
    imputations: Annotated[int, Field(ge=2, le=1000)] = 20
    delta: dict[Text, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_what_is_imputed(self) -> "Missing":
        if self.delta and self.method != "impute":
            raise ValueError(
                f"delta must come with method = 'impute', but found '{self.method}'; remove one of the two"
            )
        return self


class Regression(Section):
    """The right-hand side of a regression on covariates."""

    formula: Text


class Propensity(Section):
    """The treatment model: a regression on covariates, or a score from elsewhere that is taken as it is.

    `score` names the column of the score and `score_scale` says whether it is the probability of treatment or its logit ("linear").
    Beside a score, `formula` names the covariates whose balance is looked at; nothing is fitted.
    """

    formula: Text = "1"
    score: Text | None = None
    score_scale: Literal["probability", "linear"] | None = None

    @model_validator(mode="after")
    def _formula_or_score(self) -> "Propensity":
        if (self.score is None) != (self.score_scale is None):
            raise ValueError(
                "must give score and score_scale together, but found one of them; score = 'column' with score_scale = 'probability' "
                "or 'linear'"
            )
        if self.score is None and "formula" not in self.model_fields_set:
            raise ValueError(
                "must give formula, or a score from elsewhere, but found neither; add formula = ..."
            )
        return self


class Baseline(Section):
    """Intervals of the baseline hazard: cut points, or a number of intervals with equal numbers of events."""

    cutpoints: Times | None = None
    intervals: Annotated[int, Field(ge=1)] | None = None
    smoothing: Literal["random_walk", "independent"] = "random_walk"

    @model_validator(mode="before")
    @classmethod
    def _ten_intervals(cls, content: Any) -> Any:
        if isinstance(content, dict) and not {"cutpoints", "intervals"} & content.keys():
            return {**content, "intervals": 10}
        return content

    @model_validator(mode="after")
    def _one_of_both(self) -> "Baseline":
        if self.cutpoints is not None and self.intervals is not None:
            raise ValueError("must give cutpoints or intervals, but found both; remove one of them")
        _refuse_unsorted("cutpoints", self.cutpoints)
        return self


class Report(Section):
    """What is reported; a horizon or times left out are chosen from the follow-up.

    `outcome` names what is survived ("overall survival"); without it the words are "survival" and "event". `patients` is the study of the patients
    whom a reconstruction stands for, where they can be had: its effect is set beside.
    """

    outcome: Text | None = None
    patients: Text | None = None
    horizon: Positive | None = None
    times: Times | None = None
    subgroups: Names = ()
    landmarks: Times = ()

    @model_validator(mode="after")
    def _sorted(self) -> "Report":
        _refuse_unsorted("times", self.times)
        _refuse_unsorted("landmarks", self.landmarks)
        return self


def _refuse_unsorted(key: str, values: tuple[float, ...] | None) -> None:
    if values and any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError(f"{key} must increase strictly, but found {list(values)}")
