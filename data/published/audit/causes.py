"""What is at fault where several checks meet one misprint: the names by which their findings are put together."""

from data.published.audit.finding import identifier
from data.published.audit.margins import margins
from data.published.evidence import Evidence
from data.published.evidence_rows import CoxRow, LevelCount
from data.published.printed import Printed

CAUSE = "cause"


def cox_cause(row: CoxRow) -> str:
    """A hazard ratio of a variable, in whichever place and model it is printed again."""
    return identifier(CAUSE, "cox", row.model.removesuffix("_text"), row.phase, row.variable, row.level)


def size_cause(arm: str, phase: str) -> str:
    """The number of patients of an arm."""
    return identifier(CAUSE, "size", arm, phase)


def percentage_cause(evidence: Evidence, row: LevelCount) -> str:
    """What is at fault where a percentage is not that of its count.

    It is the size of the arm where that of the text gives the percentage, else the cell.
    """
    size = evidence.size(row.arm, row.phase)
    if row.percent is not None and size != row.size and row.percent.holds(100 * row.count / size):
        return size_cause(row.arm, row.phase)
    return identifier(CAUSE, "table 1", row.variable, row.level, row.arm, row.phase)


def percentage_fits(row: LevelCount) -> bool:
    """Whether the printed percentage of a cell is that of its count; true where none is printed."""
    return row.percent is None or (row.size > 0 and row.percent.holds(100 * row.count / row.size))


def table_cause(evidence: Evidence, name: str, phase: str) -> str:
    """What is at fault where the counts of a variable are: the first cell whose percentage denies it, if there is one.

    `name` is as a `Margin` has it: the variable, with the level where several may apply to one patient.
    """
    cells = [row for row in evidence.counts if row.phase == phase and _margin_name(row) == name]
    wrong = [row for row in cells if not percentage_fits(row)]
    return percentage_cause(evidence, wrong[0]) if wrong else identifier(CAUSE, "table 1", name, phase)


def counts_fit(evidence: Evidence, name: str, phase: str) -> bool:
    """Whether the counts of a variable add up and have the printed percentages."""
    adds_up = all(
        total == size
        for one in margins(evidence)
        if (one.name, one.phase) == (name, phase)
        for total, size in zip((sum(one.treated), sum(one.control)), one.sizes, strict=True)
    )
    cells = [row for row in evidence.counts if row.phase == phase and _margin_name(row) == name]
    return adds_up and all(map(percentage_fits, cells))


def _margin_name(row: LevelCount) -> str:
    return f"{row.variable}: {row.level}" if row.multiple else row.variable


def deaths_cause(phase: str) -> str:
    """The number of deaths of a phase."""
    return identifier(CAUSE, "deaths", phase)


def deaths_fit(evidence: Evidence, phase: str) -> bool:
    """Whether the printed percentage of deaths is that of their number; true where none is printed."""
    deaths, share = evidence.find("", phase, "deaths"), evidence.find("", phase, "deaths_percent")
    if deaths is None or share is None:
        return True
    size = evidence.patients(phase)
    return share.holds(100 * deaths.value / size)


def centre_fits(ratio: Printed) -> bool:
    """Whether a hazard ratio can be the geometric mean of the ends of its Wald interval, each within its rounding."""
    low, high = centre_range(ratio)
    return low <= ratio.possible[1] and ratio.possible[0] <= high


def centre_range(ratio: Printed) -> tuple[float, float]:
    """The lowest and the highest centre of a Wald interval of a hazard ratio whose ends are printed so.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> [f"{one:.3f}" for one in centre_range(printed("0.62", "0.4", "0.9"))]
    ['0.545', '0.654']
    """
    ends = ratio.possible_ends
    if ends is None:
        raise ValueError("a hazard ratio must have an interval to have a centre, but found none")
    (lowest, low), (high, highest) = ends
    return (max(lowest, 0.0) * max(high, 0.0)) ** 0.5, (low * highest) ** 0.5
