"""What a report is made of: tables, figures and provenance, and how a fit is found among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pandas as pd

from data.study.study import Study
from inference.report.drawings import Drawing
from inference.report.table import Table

type Group = Literal["answer", "curves", "checks", "priors", "sensitivity", "diagnostics", "section"]

GROUPS: tuple[Group, ...] = get_args(Group.__value__)
PARTS = {
    "answer": "The answer",
    "holds": "Does it hold",
    "trust": "Can it be trusted",
    "paper": "The paper again",
    "methods": "Methods",
}
"""The parts of the page, in their order."""
FIT_COLUMNS = ("baseline", "adjustment", "effect", "exposure", "prior_set")
# The joint model lets outcomes inform the propensity score, the cut model does not: joint is not shown alone.
COMPANIONS = {"joint": "cut", "cut": "joint"}


@dataclass(frozen=True, eq=False)
class Live:
    """What a reader can change on the page itself."""

    kind: str  # of the controls, which `assets/live.js` makes of `data`
    data: Mapping[str, Any]


@dataclass(frozen=True)
class FigureItem:
    """A figure of the page.

    Attributes
    ----------
    id : str
        Unique on the page; the figure can be linked to by it.
    title, caption : str
        What it shows, and how to read it.
    drawing : Drawing
        Its SVG, trusted.
    group : str
        Section in which it stands.
    live : Live or None
        What a reader can read off it on the page.
    """

    id: str
    title: str
    caption: str
    drawing: Drawing
    group: Group
    live: Live | None = None

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(
                f"the group of figure '{self.id}' must be one of {', '.join(GROUPS)}, but found "
                f"'{self.group}'"
            )


@dataclass(frozen=True)
class ReportSection:
    """A section of the page: it opens with its finding and one figure or table, the rest is folded.

    Attributes
    ----------
    id, title : str
        Anchor and heading.
    paragraphs : tuple of str
        Plain text, escaped by the page.
    tables : tuple of Table
    figures : tuple of FigureItem
        Of group "section".
    finding : str
        One sentence; without it the first paragraph stands in its place.
    part : str
        Of the page, one of `PARTS`.
    opens_with : str or None
        Identifier of the figure or table that is not folded: the first figure if empty, or the first table where there is none; None for nothing.
    live : Live or None
        Controls, which a Word document leaves out.
    """

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[FigureItem, ...] = ()
    finding: str = ""
    part: str = "holds"
    opens_with: str | None = ""
    live: Live | None = None

    @property
    def opening(self) -> str:
        """The sentence that is not folded."""
        return self.finding or (self.paragraphs[0] if self.paragraphs else "")

    @property
    def folded(self) -> tuple[str, ...]:
        """The paragraphs that are, without the sentence that is not."""
        rest = (" ".join(text.replace(self.opening, "").split()) for text in self.paragraphs)
        return tuple(text for text in rest if text)

    @property
    def exhibits(self) -> tuple[FigureItem | Table, ...]:
        """Figures and tables, without tables that are empty."""
        return (*self.figures, *(table for table in self.tables if len(table.frame)))

    @property
    def lead(self) -> FigureItem | Table | None:
        """The figure or table with which the section opens."""
        if self.opens_with is None:
            return None
        chosen = [one for one in self.exhibits if one.id == self.opens_with]
        return next(iter([*chosen, *self.exhibits]), None)

    @property
    def rest(self) -> tuple[FigureItem | Table, ...]:
        """The others, which are folded."""
        return tuple(one for one in self.exhibits if one is not self.lead)


@dataclass(frozen=True, eq=False)
class Report:
    """Everything the page is written from. Holds no row of a single patient.

    Attributes
    ----------
    study : Study
        Question, citation, labels of the arms and the time unit.
    arms : DataFrame
        arm ("treated", "control", "" for both), patients, events, median_follow_up.
    main : mapping
        Names the fit of the headline: baseline, adjustment, effect, exposure, prior_set.
    estimands : DataFrame
        Columns of estimands.csv, of every fit of the analysis.
    comparators : DataFrame
        Columns of comparators.csv.
    checks : DataFrame
        Columns of checks.csv; names begin with "family: ", then "fit: " where a check is of one fit.
    priors : DataFrame
        parameter, term, prior, reason, meaning: what the main fit used.
    prior_statements : sequence of str
        What the priors say about survival before the patients are seen.
    sensitivity : DataFrame or None
        Rows of `inference.sensitivity.priors.prior_sensitivity`; None where it was not computed.
    figures : sequence of FigureItem
        In the order of their sections.
    caveats : sequence of str
        What must be said in one breath with the answer: its range over adjustments, what timing alone could explain.
    doubts : sequence of str
        What matters most against the answer, each in one short sentence with its number.
    choice : Live or None
        Results of other models and populations, for the first screen; None where there are none.
    described, coefficients : DataFrame or None
        Of `inference.report.journal_tables`: the patients by arm, and Cox models beside the posterior; None where they were not made.
    limits : sequence of str
        What only this study's numbers do not cover.
    sections : sequence of ReportSection
        Those that only this study has; they stand before the diagnostics.
    cohorts : int
        How many cohorts are pooled.
    reviews : mapping of str to str
        Files beside the page that review a fit, by its label.
    manifest : mapping
        Versions, seed, commit, settings, checksums, wall times, command; may be nested.
    """

    study: Study
    arms: pd.DataFrame
    main: Mapping[str, str]
    estimands: pd.DataFrame
    comparators: pd.DataFrame
    checks: pd.DataFrame
    priors: pd.DataFrame
    prior_statements: Sequence[str] = ()
    sensitivity: pd.DataFrame | None = None
    figures: Sequence[FigureItem] = ()
    caveats: Sequence[str] = ()
    doubts: Sequence[str] = ()
    choice: Live | None = None
    described: pd.DataFrame | None = None
    coefficients: pd.DataFrame | None = None
    limits: Sequence[str] = ()
    sections: Sequence[ReportSection] = ()
    cohorts: int = 1
    reviews: Mapping[str, str] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = [
            figure.id
            for figure in [*self.figures, *(one for section in self.sections for one in section.figures)]
        ]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"each figure must have its own id, but found {', '.join(twice)} more than once")
        if fit_rows(self.estimands, self.main).empty:
            named = ", ".join(str(self.main[column]) for column in FIT_COLUMNS)
            raise ValueError(f"the estimands must hold the main fit ({named}), but found no row of it")

    def of_group(self, group: Group) -> list[FigureItem]:
        """Return the figures of a section."""
        return [figure for figure in self.figures if figure.group == group]

    @property
    def pseudo(self) -> bool:
        """Whether those analysed are pseudo-patients: the study publishes no patients."""
        return self.study.cohort.source == "reconstruction"

    @property
    def patients(self) -> int:
        """Number of patients in both arms."""
        both = self.arms[self.arms["arm"].fillna("") == ""]
        return int((both if len(both) else self.arms)["patients"].sum())


def card_id(family: str, name: str) -> str:
    """Return the identifier of the table that is the card of a member of a family."""
    return f"card-{family}-{name.replace('_', '-')}"


def fit_rows(estimands: pd.DataFrame, fit: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of one fit.

    Parameters
    ----------
    estimands : DataFrame
        Columns of estimands.csv.
    fit : mapping
        Values of the columns that name the fit.
    """
    wanted = pd.Series(True, index=estimands.index)
    for column in FIT_COLUMNS:
        wanted &= estimands[column].astype(str) == str(fit[column])
    return estimands[wanted]


def companion(report: Report) -> dict[str, str] | None:
    """Return the fit that is read beside the main one (cut beside joint); None if it was not made."""
    other = COMPANIONS.get(report.main["adjustment"])
    if other is None:
        return None
    fit = {**report.main, "adjustment": other}
    return fit if len(fit_rows(report.estimands, fit)) else None


def fits(estimands: pd.DataFrame, main: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the fits in a table of estimands, the main one first, the others in the order of the table."""
    found = estimands[list(FIT_COLUMNS)].astype(str).drop_duplicates().to_dict("records")
    named = [{column: str(fit[column]) for column in FIT_COLUMNS} for fit in found]
    return sorted(named, key=lambda fit: any(fit[column] != str(main[column]) for column in FIT_COLUMNS))


def estimand_row(
    rows: pd.DataFrame, estimand: str, population: str, time: float | None = None
) -> pd.Series | None:
    """Return one estimand of a fit for everybody.

    Parameters
    ----------
    rows : DataFrame
        Rows of one fit.
    estimand, population : str
    time : float, optional
        Needed where an estimand has several.

    Returns
    -------
    Series or None
        None where the fit has no such estimand, or several (a hazard ratio that varies with time).
    """
    chosen = rows[
        (rows["estimand"] == estimand)
        & (rows["population"] == population)
        & (rows["subgroup"].fillna("").astype(str) == "")
    ]
    if time is not None:
        chosen = chosen[chosen["time"] == time]
    return chosen.iloc[0] if len(chosen) == 1 else None
