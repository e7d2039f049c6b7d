"""The rows of the published tables: what each means, and how it is read."""

import re
from dataclasses import dataclass

from data.evidence_names import EvidenceNames
from data.printed import Printed, printed

PHASES = ("before", "after")


@dataclass(frozen=True)
class LevelCount:
    """A cell of Table 1: how many patients of an arm have a level.

    `arm` is "treated" or "control", `phase` "before" or "after" matching; `column` is the study's covariate and `value`
    its level, "1" where several levels may apply to one patient (`multiple`). `p` is the printed P value, of the
    whole variable, or of the level where `p_scope` is "level".
    """

    variable: str
    level: str
    multiple: bool
    column: str
    value: str
    arm: str
    phase: str
    size: int
    count: int
    percent: Printed | None
    p: Printed | None
    p_scope: str
    place: str


@dataclass(frozen=True)
class SurvivalNumber:
    """A number of the survival text.

    `quantity` is n, deaths, deaths_percent, median_followup, median_os, survival_<months>m or logrank_p; `time` is that
    of a survival probability. `arm` is "treated", "control", "" for all, or "contrast".
    """

    arm: str
    phase: str
    quantity: str
    time: float | None
    number: Printed


@dataclass(frozen=True)
class Fact:
    """A statement of the survival text that is not a number: the accrual window, the origin of time."""

    quantity: str
    text: str
    place: str


@dataclass(frozen=True)
class CoxRow:
    """A row of a published Cox table.

    `model` is univariable, multivariable or univariable_text (the same number in
    the running text); `hazard_ratio` is None for an overall test of several levels, and 1 without interval for a
    reference level.
    """

    model: str
    phase: str
    variable: str
    level: str
    reference: str
    hazard_ratio: Printed | None
    p: Printed | None
    place: str


@dataclass(frozen=True)
class SubgroupMedian:
    """A published median of a subgroup.

    `analysis` is metastatic_site or rt_modality; `p` compares the arms, or the
    modalities; `cohort` and `size` are what the publication says of whom, if it says.
    """

    analysis: str
    subgroup: str
    arm: str
    median: Printed
    p: Printed
    cohort: str
    size: str


@dataclass(frozen=True)
class ReviewItem:
    """A number that a paper cites from another, as text: `value` and `comparator_value` may be ranges, bounds or words."""

    id: str
    source: str
    study: str
    domain: str
    population: str
    size: str
    treatment: str
    comparator: str
    endpoint: str
    value: str
    comparator_value: str
    lower: str
    upper: str
    unit: str
    p: str
    section: str
    note: str


@dataclass(frozen=True)
class Trial:
    """A row of the review's tables of trials."""

    table: str
    nct: str
    phase: str
    drug: str
    radiation: str
    other_therapy: str
    size: str
    outcome: str
    note: str


def _optional(text: str, **more: str) -> Printed | None:
    return printed(text, **more) if text.strip() else None


def _one_of(value: str, known: tuple[str, ...], column: str) -> str:
    if value not in known:
        raise ValueError(f"{column} must be one of {', '.join(known)}, but found '{value}'")
    return value


def _whole(text: str, column: str) -> int:
    if not re.fullmatch(r"\d+", text.strip()):
        raise ValueError(f"{column} must be a whole number, but found '{text}'")
    return int(text)


def _arm(label: str, names: EvidenceNames) -> str:
    arm = names.arm_of(label)
    if not arm:
        raise ValueError(f"arm must be {names.arms.treated} or {names.arms.control}, but found '{label}'")
    return arm


def read_count(row: dict[str, str], names: EvidenceNames) -> LevelCount:
    """Read a cell of Table 1 from a row of baseline.csv."""
    place, multiple = row["source"], row["multi_label"].strip() == "1"
    column, value = "", row["level"]
    if row["level"] != "n":
        target = names.variables.get(row["variable"])
        if target is None or (multiple and (isinstance(target, str) or row["level"] not in target)):
            raise ValueError(
                f"variable and level must be named in [variables] of evidence.toml, but found "
                f"'{row['variable']}', '{row['level']}'"
            )
        column, value = (target, row["level"]) if isinstance(target, str) else (target[row["level"]], "1")
    size, count = _whole(row["n_arm"], "n_arm"), _whole(row["count"], "count")
    return LevelCount(
        variable=row["variable"],
        level=row["level"],
        multiple=multiple,
        column=column,
        value=value,
        arm=_arm(row["arm"], names),
        phase=_one_of(row["phase"], PHASES, "phase"),
        size=size,
        count=count,
        percent=_optional(row["percent_printed"], unit="percent", place=place),
        p=_optional(row["p_printed"], place=place),
        p_scope=row["p_scope"],
        place=place,
    )


def read_survival(row: dict[str, str], names: EvidenceNames) -> SurvivalNumber | None:
    """Read a row of survival.csv; None for one that holds words or dates."""
    if row["unit"] in ("text", "date"):
        return None
    _one_of(row["op"], ("=", "<"), "op")
    arm = names.arm_of(row["arm"])
    if not arm and row["arm"] != "all":
        arm = "contrast"
    at = re.fullmatch(r"survival_(\d+(?:\.\d+)?)[a-z]*", row["quantity"])
    return SurvivalNumber(
        arm=arm,
        phase=_one_of(row["phase"], PHASES, "phase"),
        quantity=row["quantity"],
        time=float(at[1]) if at else None,
        number=printed(
            row["value"], row["lower"], row["upper"], row["op"], row["unit"], f"section {row['section']}"
        ),
    )


def read_cox(row: dict[str, str]) -> CoxRow:
    """Read a row of cox.csv."""
    place = row["source"]
    hazard_ratio = None
    if row["hr"].strip():
        hazard_ratio = printed(row["hr"], row["lower"], row["upper"], place=place)
        if min(hazard_ratio.value, *(hazard_ratio.interval or (1.0,))) <= 0:
            raise ValueError(f"a hazard ratio must be above 0, but found {row['hr']}")
    return CoxRow(
        model=row["model"],
        phase=_one_of(row["phase"], PHASES, "phase"),
        variable=row["variable"],
        level=row["level"],
        reference=row["reference"],
        hazard_ratio=hazard_ratio,
        p=_optional(row["p_printed"], place=place),
        place=place,
    )


def read_subgroup(row: dict[str, str], names: EvidenceNames) -> SubgroupMedian:
    """Read a row of subgroups.csv."""
    return SubgroupMedian(
        analysis=row["analysis"],
        subgroup=row["subgroup"],
        arm=_arm(row["arm"], names),
        median=printed(row["median_os"], unit=row["unit"]),
        p=printed(row["p_printed"], operator=row["p_op"]),
        cohort=row["cohort"],
        size=row["n"],
    )


def read_review(row: dict[str, str]) -> ReviewItem:
    """Read a row of review_evidence.csv."""
    renamed = {
        "size": row["n"],
        **{key: row[key] for key in ReviewItem.__dataclass_fields__ if key != "size"},
    }
    return ReviewItem(**renamed)


def read_trial(row: dict[str, str]) -> Trial:
    """Read a row of trials.csv."""
    return Trial(
        table=row["table"],
        nct=row["nct"],
        phase=row["phase"],
        drug=row["drug"],
        radiation=row["radiation"],
        other_therapy=row["other_therapy"],
        size=row["n"],
        outcome=row["outcome_or_endpoint"],
        note=row["note"],
    )
