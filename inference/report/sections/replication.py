"""The section on the publication's own analysis, done again on pseudo-patients."""

from collections.abc import Callable
from functools import cache, partial

import pandas as pd
from matplotlib.figure import Figure

from data.published.audit.finding import analysis_words
from data.published.evidence import Evidence
from data.published.reconstruction import Reconstruction
from data.study.study import Study
from inference.frequentist.matching import SCALES
from inference.published.reanalysis.curves import curve_groups
from inference.published.reanalysis.lines import PHASE_WORDS
from inference.published.reanalysis.matching_lines import FAMILY as MATCHING
from inference.published.reanalysis.replicate import Replication, pseudo_patients
from inference.published.reanalysis.survival_lines import FAMILY as SURVIVAL
from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.captions import caption_of
from inference.report.figures.pairs_by_caliper import pairs_by_caliper_figure
from inference.report.figures.replicated_survival import replicated_survival_figure
from inference.report.figures.risk_table import Followed, together
from inference.report.figures.wording import capitalised
from inference.report.replicate_tables import (
    baseline_table,
    cox_table,
    indexed,
    lines_table,
    outside,
    written,
)
from inference.report.section import Material, Section, figure_of
from inference.report.table import Table

type FollowedGroups = dict[tuple[str, str, str], Followed]  # by figure, panel and group

LISTED = 6
FIGURE_TITLES = {"arms": "Survival by arm, before and after matching"}


def replicate_sections(
    replication: Replication,
    study: Study,
    evidence: Evidence,
    followed: Callable[[], FollowedGroups],
    draw: Draw = drawn_when_asked,
) -> tuple[ReportSection, ...]:
    """Return the section on the publication's analysis, done again on pseudo-patients.

    Parameters
    ----------
    replication : Replication
        Of `inference.published.reanalysis.replicate`.
    study : Study
    evidence : Evidence
    followed : callable
        Gives the times at risk behind the survival figures, by figure, panel and group.
    draw : callable
        Gives a drawing from a name and what makes the figure; `inference.report.drawing.Drawer` keeps it on disk.
    """
    summary = replication.summary
    lines = indexed(summary)
    section = ReportSection(
        "replication",
        "The publication's analysis, done again on pseudo-patients",
        tuple(replication_paragraphs(replication, evidence)),
        (
            _of_family("replicated-survival-table", "Survival", summary, SURVIVAL),
            cox_table(evidence, lines),
            *_subgroup_tables(summary),
            _of_family(
                "replicated-matching", f"Matching done anew ({_matched_how(replication)})", summary, MATCHING
            ),
            baseline_table(evidence, lines),
        ),
        tuple(replication_figures(replication, study, evidence, followed, draw)),
        _finding(summary),
        "paper",
    )
    return (section,)


def _finding(summary: pd.DataFrame) -> str:
    held = _held(summary)
    differing = int(sum(outside(row) for _, row in held.iterrows()))
    return f"{differing} of {len(held)} printed numbers are more than 5 % outside the range of all cohorts of pseudo-patients."


def _held(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the printed numbers that pseudo-patients can be held against: no tests, no matching anew."""
    printed = summary[(summary["printed"] != "") & (summary["family"] != MATCHING)]
    return printed[~printed["family"].str.endswith("tests")]


def replication_paragraphs(replication: Replication, evidence: Evidence) -> list[str]:
    """Return what was done, what does not agree with print, and what the publication leaves open."""
    summary = replication.summary
    held = _held(summary)
    differing = held[[outside(row) for _, row in held.iterrows()]]
    said = [
        "Every number of the publication is computed here from reconstructed cohorts of pseudo-patients "
        f"({replication.cohorts} of them). They were "
        "made to come near print, so agreement is no finding and says nothing about the publication's truth; what cannot be made to "
        "agree, and what differs between cohorts, is one. The intervals of medians are estimate ± 1.96 standard errors, as SPSS "
        "prints them; Cox models are those that the tables name, fitted by Efron's method.",
    ]
    if len(differing):
        named = "; ".join(_difference_words(row) for _, row in differing.head(LISTED).iterrows())
        more = len(differing) - LISTED
        tail = f"; and {more} more, marked in the tables" if more > 0 else ""
        said.append(
            f"{len(differing)} of {len(held)} printed numbers are more than 5 % outside the range of all cohorts: "
            f"{named}{tail}."
        )
    else:
        said.append(f"None of {len(held)} printed numbers is more than 5 % outside the range of all cohorts.")
    said.append(_matching_words(replication, evidence))
    said.append(
        "P values of Table 1 are shown for two unpaired arms. After matching the publication's may come from tests of pairs, which "
        "cannot be repeated: which pseudo-patients are a pair is not known."
    )
    return said


def _difference_words(row: pd.Series) -> str:
    computed = written(float(row["computed_mean"]), str(row["printed"]), str(row["unit"]))
    return f"{row['line']}: printed {row['printed']}, pseudo-patients {computed}"


def _matched_how(replication: Replication) -> str:
    settings = replication.settings
    return f"caliper {settings.caliper:g} {SCALES[settings.scale]}"


def _matching_words(replication: Replication, evidence: Evidence) -> str:
    own = replication.summary[replication.summary["family"] == MATCHING].set_index("line")
    found = ", ".join(
        f"{method} {own.loc[f'{method}, pairs', 'computed_mean']:.0f} pairs "
        f"({own.loc[f'{method}, pairs', 'computed_low']:.0f} to {own.loc[f'{method}, pairs', 'computed_high']:.0f})"
        for method in ("greedy", "optimal")
    )
    printed = evidence.find("treated", "after", "n") if "after" in evidence.phases else None
    published = f" The publication has {printed.text}, and gives no caliper." if printed else ""
    return (
        f"A propensity score from the study's covariates (logistic regression) and 1:1 matching without replacement within "
        f"{_matched_how(replication)}: {found}.{published} How covariates go together within the arms is not published, "
        "so the pairs of these cohorts are not the publication's pairs."
    )


def replication_figures(
    replication: Replication,
    study: Study,
    evidence: Evidence,
    followed: Callable[[], FollowedGroups],
    draw: Draw = drawn_when_asked,
) -> list[FigureItem]:
    """Return the publication's survival figures on pseudo-patients, and pairs by caliper."""
    labels = study.treatment.labels
    labels |= {words: capitalised(words) for words in PHASE_WORDS.values()}
    for subgroup, column in evidence.names.subgroups.columns.items():
        labels[subgroup] = study.covariates[column].label or subgroup
    items = []
    for name, curves in replication.curves.groupby("figure", sort=False):
        points = replication.points[replication.points["figure"] == name]
        identifier = f"replicated-{str(name).replace('_', '-')}"
        title = FIGURE_TITLES.get(str(name), f"Survival by {analysis_words(str(name))}")
        make = partial(_survival_figure, curves, points, followed, str(name), labels, study.time_unit)
        caption = caption_of("replicated_survival")
        items.append(figure_of(draw, identifier, f"{title}: pseudo-patients", make, caption))
    printed = evidence.find("treated", "after", "n") if "after" in evidence.phases else None
    pairs, scale = replication.pairs, SCALES[replication.settings.scale]
    make = partial(pairs_by_caliper_figure, pairs, scale, None if printed is None else printed.value)
    return [*items, figure_of(draw, "pairs_by_caliper", "Pairs by caliper: pseudo-patients", make)]


def _survival_figure(
    curves: pd.DataFrame,
    points: pd.DataFrame,
    followed: Callable[[], FollowedGroups],
    name: str,
    labels: dict[str, str],
    unit: str,
) -> Figure:
    return replicated_survival_figure(curves, points, followed_in(followed(), name), labels, unit)


def followed_in(groups: FollowedGroups, figure: str) -> dict[tuple[str, str], Followed]:
    """Return the times at risk of one figure, by panel and group."""
    return {(panel, group): one for (own, panel, group), one in groups.items() if own == figure}


def followed_groups(made: Reconstruction, study: Study, evidence: Evidence) -> FollowedGroups:
    """Return the times at risk of the groups whose curves are drawn, all cohorts together."""
    parts: dict[tuple[str, str, str], list[Followed]] = {}
    for pseudo in pseudo_patients(made.patients, made.modalities, study):
        cohort = pseudo.cohort
        for figure, panel, group, inside in curve_groups(pseudo, evidence):
            one = Followed(cohort.entry[inside], cohort.time[inside], cohort.event[inside])
            parts.setdefault((figure, panel, group), []).append(one)
    return {place: together(own) for place, own in parts.items()}


def _of_family(name: str, caption: str, summary: pd.DataFrame, family: str) -> Table:
    marked = "Marked rows: print is more than 5 % outside the range of all cohorts"
    caption = f"{caption}: printed, and of pseudo-patients. {marked}"
    return lines_table(name, caption, summary[summary["family"] == family])


def _subgroup_tables(summary: pd.DataFrame) -> list[Table]:
    families = [family for family in summary["family"].unique() if str(family).startswith("Subgroups, ")]
    return [
        _of_family(
            f"replicated-{str(family).partition(', ')[2].replace(' ', '-')}",
            analysis_words(str(family)),
            summary,
            family,
        )
        for family in families
    ]


def _sections(material: Material) -> list[ReportSection]:
    publication, companions = material.publication, material.companions
    if publication is None or companions is None:
        return []
    study, evidence = material.results.study, publication.evidence
    followed = cache(partial(followed_groups, publication.reconstruction, study, evidence))
    return list(replicate_sections(companions.replication, study, evidence, followed, material.draw))


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    companions = material.companions
    return {} if companions is None else {"replicate": companions.replication.summary}


SECTION = Section(_sections, _tables)
