"""The section on reporting guidelines: each item with its place on the page, and whether it is done."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from inference.adjustments import ADJUSTMENTS
from inference.report.checklist_items import GUIDELINES, ITEMS, Item
from inference.report.content import Report, ReportSection, fit_rows
from inference.report.provenance_tables import is_quick
from inference.report.table import SENTENCE, TEXT, Column, Table

ID, TITLE = "checklists", "Reporting checklists"
DONE, PART, NOT = "done", "in part", "not done"
ROW_KINDS = {DONE: "pass", PART: "info", NOT: "warn"}


def _has_family(family: str, subject: str = "") -> Callable[[Report], bool]:
    """Return whether a check of a family, about a subject, was made."""

    def found(report: Report) -> bool:
        checks = report.checks
        about = checks["subject"].astype(str).str.contains(subject, regex=False)
        return bool(((checks["family"] == family) & about).any())

    return found


def _has_section(*ids: str) -> Callable[[Report], bool]:
    return lambda report: any(section.id in ids for section in report.sections)


def _has_figure(*ids: str) -> Callable[[Report], bool]:
    return lambda report: any(figure.id in ids for figure in report.figures)


def _in_manifest(*keys: str) -> Callable[[Report], bool]:
    return lambda report: all(report.manifest.get(key) not in (None, "", {}, []) for key in keys)


def _weighted(report: Report) -> bool:
    return any(ADJUSTMENTS[name].population for name in report.estimands["adjustment"])


def _unadjusted(report: Report) -> bool:
    methods = report.comparators["method"].astype(str)
    return bool(
        (methods.str.contains("univariable") & (report.comparators["statistic"] == "hazard_ratio")).any()
    )


def _prior_sets(report: Report) -> bool:
    return report.sensitivity is not None and len(report.sensitivity) > 1


def _reasons(report: Report) -> bool:
    return len(report.priors) > 0 and bool(report.priors["reason"].fillna("").astype(str).str.strip().all())


FACTS: dict[str, Callable[[Report], bool]] = {
    "results": lambda report: len(fit_rows(report.estimands, report.main)) > 0,
    "question": lambda report: bool(report.study.question),
    "citation": lambda report: bool(report.study.citation),
    "outcome": lambda report: report.study.report.outcome is not None,
    "covariates": lambda report: len(report.study.covariates) > 0,
    "arms": lambda report: {"patients", "events"} <= set(report.arms.columns),
    "priors": lambda report: len(report.priors) > 0,
    "reasons": _reasons,
    "prior_predictive": _has_figure("prior-survival"),
    "convergence": _has_family("convergence"),
    "effective_sizes": _has_family("convergence", "ESS"),
    "approximations_said": lambda report: not _weighted(report) or _has_section("adjustments")(report),
    "predictive": _has_family("predictive"),
    "baselines_compared": _has_figure("loo"),
    "prior_sets": _prior_sets,
    "adjustments": lambda report: report.estimands["adjustment"].nunique() > 2,
    "described": lambda report: report.described is not None,
    "populations": lambda report: fit_rows(report.estimands, report.main)["population"].nunique() > 2,
    "unadjusted": _unadjusted,
    "effect_shapes": _has_section("effect-shapes"),
    "confounding": _has_section("confounding"),
    "start_times": lambda report: (
        report.study.cohort.columns.treatment_start is not None and report.main["exposure"] != "naive"
    ),
    "times_addressed": _has_section("timing", "exposures"),
    "missing": _has_section("missing"),
    "audit": _has_section("audit"),
    "full": lambda report: not is_quick(report.manifest),
    "versions": _in_manifest("versions"),
    "seed": _in_manifest("seed"),
    "commit": _in_manifest("commit"),
    "clean": lambda report: report.manifest.get("clean") is True,
    "command": _in_manifest("command"),
    "inputs": _in_manifest("inputs"),
    "fits": _in_manifest("fits"),
}
"""What can be known of an analysis from its results and its manifest, by the name that items use."""


def status_of(item: Item, facts: Mapping[str, bool]) -> str:
    """Return whether an item is done, done in part, or not done.

    Parameters
    ----------
    item : Item
    facts : mapping of str to bool
        By the names of `FACTS`.
    """
    if item.done and all(facts[name] for name in item.done):
        return DONE
    return PART if item.part and all(facts[name] for name in item.part) else NOT


def place_of(item: Item, anchors: Sequence[str]) -> str:
    """Return the anchor of the first of an item's places that the page has; empty where it has none."""
    return next((place for place in item.places if place in anchors), "")


def checklists_section(report: Report, contents: Sequence[tuple[str, str]]) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    report : Report
    contents : sequence of (anchor, heading)
        Of all sections of the page.
    """
    facts = {name: known(report) for name, known in FACTS.items()}
    titles = dict(contents)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in GUIDELINES}
    counts: dict[str, Counter[str]] = {name: Counter() for name in GUIDELINES}
    for item in ITEMS:
        place = place_of(item, list(titles))
        status = status_of(item, facts) if place else NOT
        counts[item.guideline][status] += 1
        rows[item.guideline].append(
            {
                "code": item.code,
                "words": item.words,
                "status": status,
                "rank": [DONE, PART, NOT].index(status),
                "where": titles[place] if status != NOT else "",
                "link": place if status != NOT else "",
                "lacking": "" if status == DONE else item.lacking,
                "mark": ROW_KINDS[status],
            }
        )
    said = "; ".join(
        f"{name}: {found[DONE]} done, {found[PART]} in part, {found[NOT]} not done"
        for name, found in counts.items()
    )
    columns = (
        Column("Item", TEXT, "code"),
        Column("What is asked", SENTENCE, "words"),
        Column("Status", TEXT, "status", by="rank"),
        Column("Where", TEXT, "where", link="link"),
        Column("What is lacking", SENTENCE, "lacking"),
    )
    return ReportSection(
        ID,
        TITLE,
        (
            "The status of an item follows from the results and the manifest of this analysis, not from an opinion; items are in few words "
            "of our own.",
        ),
        tuple(
            Table(f"checklist-{name.lower()}", GUIDELINES[name], columns, pd.DataFrame(rows[name]), "mark")
            for name in GUIDELINES
        ),
        finding=f"What three guidelines ask to be reported, and whether this page does. {said}.",
        part="methods",
        opens_with=None,
    )
