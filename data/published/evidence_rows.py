"""The rows of the published tables: what each means, and how it is read."""

import re
from dataclasses import dataclass, replace

from data.published.evidence_cells import RowCells
from data.published.evidence_names import EvidenceNames
from data.published.printed import Printed, printed
from data.published.printed_text import NOT_PRINTED, NOT_REACHED, count_of, plain
from data.study.time_units import LETTERS, carried

PHASES = ("before", "after")
QUANTITIES = ("n", "deaths", "deaths_percent", "median_followup", "median_os", "logrank_p")
SURVIVAL_AT = re.compile(r"survival_(\d+(?:\.\d+)?)([a-z]*)")
TIMES = ("median_followup", "median_os")


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

    `quantity` is n, deaths, deaths_percent, median_followup, median_os, logrank_p or survival_ with a time: survival_12m,
    survival_5y, survival_90d; `time` is that of a survival probability, in the study's unit. `arm` is "treated", "control", "" for all, or "contrast".
    """

    arm: str
    phase: str
    quantity: str
    time: float | None
    number: Printed


@dataclass(frozen=True)
class Fact:
    """A statement of the survival text that is not a number: the accrual window, the origin of time, a median not reached."""

    quantity: str
    text: str
    place: str
    arm: str = ""
    phase: str = ""


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
class Mean:
    """A printed mean of whole numbers in an arm: ages in years, counts, scores.

    `items` is how many whole numbers each patient contributes: 1 for an age in years, the number of items for a scale that
    averages them, 0 where values are no whole numbers.
    """

    variable: str
    arm: str
    phase: str
    size: int
    mean: Printed
    items: int
    place: str


def read_arm(cells: RowCells, names: EvidenceNames) -> str:
    """The arm that the label of a row means; one of neither is noted."""
    label = cells.text("arm")
    arm = names.arm_of(label)
    if not arm:
        cells.note(f"arm must be {names.arms.treated} or {names.arms.control}, but found '{label}'")
    return arm


def read_count(cells: RowCells, names: EvidenceNames) -> LevelCount:
    """Read a cell of Table 1 from a row of baseline.csv."""
    place, variable, level = cells.text("source"), cells.text("variable"), cells.text("level")
    multiple = cells.text("multi_label").strip() == "1"
    column, value = "", level
    if level != "n":
        target = names.variables.get(variable)
        if target is None or (multiple and (isinstance(target, str) or level not in target)):
            cells.note(
                f"variable and level must be named in [variables] of evidence.toml, but found '{variable}', '{level}'"
            )
        elif isinstance(target, str):
            column = target
        else:
            column, value = target.get(level, ""), "1"
    return LevelCount(
        variable=variable,
        level=level,
        multiple=multiple,
        column=column,
        value=value,
        arm=read_arm(cells, names),
        phase=cells.one_of("phase", PHASES),
        size=cells.whole("n_arm"),
        count=cells.whole("count"),
        percent=_percent(cells, place),
        p=cells.optional_p("p_printed", place=place),
        p_scope=cells.text("p_scope"),
        place=place,
    )


def _percent(cells: RowCells, place: str) -> Printed | None:
    """The percentage of a count: of its own column, or in brackets behind the count."""
    if cells.text("percent_printed").strip() or "(" not in cells.text("count"):
        return cells.optional("percent_printed", unit="percent", place=place)
    return cells.read("count", lambda text: printed(count_of(text)[1], unit="percent", place=place), None)


def read_survival(cells: RowCells, names: EvidenceNames, time_unit: str) -> SurvivalNumber | Fact:
    """Read a row of survival.csv: a number, or what is said in words or dates; times are carried to the study's unit."""
    quantity, unit, section = cells.text("quantity"), cells.text("unit"), cells.text("section")
    ends = [cells.text(column) for column in ("lower", "upper")]
    if unit in ("text", "date"):
        text = " to ".join(one for one in (cells.text("value"), *ends) if one)
        return Fact(quantity, text, section)
    at = SURVIVAL_AT.fullmatch(quantity)
    if at is None and quantity not in QUANTITIES:
        cells.note(
            f"quantity must be one of {', '.join(QUANTITIES)}, or survival_ with a time such as survival_12m, but found "
            f"'{quantity}'"
        )
    arm = cells.read("arm", lambda label: _survival_arm(label, names), "")
    phase = cells.one_of("phase", PHASES)
    if quantity in TIMES and plain(cells.text("value")) in NOT_REACHED:
        return Fact(quantity, "not reached", section, arm, phase)
    operator = cells.one_of("op", ("=", "<", ">")) if cells.text("op").strip() else "="
    return SurvivalNumber(
        arm=arm,
        phase=phase,
        quantity=quantity,
        time=cells.read("quantity", lambda _: _time_of(at[1], at[2], time_unit), None) if at else None,
        number=_number(cells, quantity, operator, ends, time_unit, f"section {section}"),
    )


def _number(
    cells: RowCells, quantity: str, operator: str, ends: list[str], time_unit: str, place: str
) -> Printed:
    """The number of a row of survival.csv, in the unit that its quantity has."""
    more = {"lower": ends[0], "upper": ends[1], "operator": operator, "place": place}
    if quantity in TIMES:
        return cells.time("value", cells.text("unit").strip(), time_unit, **more)
    if quantity == "logrank_p":
        cells.unit("unit", ("p", "P", "probability"))
        return cells.p_value("value", operator, place)
    if quantity in ("n", "deaths"):
        unit, whole = cells.unit("unit", ("patients", "deaths", "events")), cells.whole("value")
        return Printed(str(whole), float(whole), 0, unit=unit, place=place)
    unit = cells.unit("unit", ("", "percent", "%", "fraction", "probability"))
    found = cells.number("value", unit="percent" if unit in ("percent", "%") else "", **more)
    shares = unit in ("fraction", "probability") and quantity != "deaths_percent"
    return found if shares or (not unit and found.value <= 1) else replace(found, unit="percent")


def _time_of(value: str, letter: str, time_unit: str) -> float:
    """The time in the name of a quantity such as survival_5y; without a letter it is in the study's unit."""
    unit = LETTERS.get(letter, letter) if letter else time_unit
    return carried(float(value), unit, time_unit)


def _survival_arm(label: str, names: EvidenceNames) -> str:
    """The arm of a label; "" for all patients, "contrast" for the comparison of the arms."""
    treated, control = names.arms.treated, names.arms.control
    known = {
        treated: "treated",
        control: "control",
        "all": "",
        f"{treated}_vs_{control}": "contrast",
        f"{control}_vs_{treated}": "contrast",
    }
    if label not in known:
        raise ValueError(f"must be one of {', '.join(list(known)[:4])}, but found '{label}'")
    return known[label]


def read_cox(cells: RowCells) -> CoxRow:
    """Read a row of cox.csv."""
    place, ends = cells.text("source"), [cells.text(column) for column in ("lower", "upper")]
    hazard_ratio = None
    if plain(cells.text("hr")) not in NOT_PRINTED:
        hazard_ratio = cells.read("hr", lambda text: _ratio(text, *ends, place), None)
    return CoxRow(
        model=cells.text("model"),
        phase=cells.one_of("phase", PHASES),
        variable=cells.text("variable"),
        level=cells.text("level"),
        reference=cells.text("reference"),
        hazard_ratio=hazard_ratio,
        p=cells.optional_p("p_printed", place=place),
        place=place,
    )


def _ratio(text: str, lower: str, upper: str, place: str) -> Printed:
    ratio = printed(text, lower, upper, place=place)
    if min(ratio.value, *(ratio.interval or (1.0,))) <= 0:
        raise ValueError(
            f"and its interval: a hazard ratio must be above 0, but found {text} ({lower} to {upper})"
        )
    return ratio


def read_subgroup(cells: RowCells, names: EvidenceNames, time_unit: str) -> SubgroupMedian:
    """Read a row of subgroups.csv."""
    return SubgroupMedian(
        analysis=cells.text("analysis"),
        subgroup=cells.text("subgroup"),
        arm=read_arm(cells, names),
        median=cells.time("median_os", cells.text("unit").strip(), time_unit),
        p=cells.p_value("p_printed", operator=cells.text("p_op")),
        cohort=cells.text("cohort"),
        size=cells.text("n"),
    )


def read_mean(cells: RowCells, names: EvidenceNames) -> Mean:
    """Read a row of means.csv."""
    return Mean(
        variable=cells.filled("variable"),
        arm=read_arm(cells, names),
        phase=cells.one_of("phase", PHASES),
        size=cells.whole("n"),
        mean=cells.number("mean", place=cells.text("source")),
        items=cells.whole("items") if cells.text("items").strip() else 0,
        place=cells.text("source"),
    )
