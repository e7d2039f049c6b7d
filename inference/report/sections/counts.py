"""An analysis of counts: what a table of them leaves out, and what small counts that are withheld cost."""

from collections.abc import Sequence

import pandas as pd

from inference.report.content import ReportSection
from inference.report.section import Material, Section
from inference.report.table import SENTENCE, TEXT, Column, Table

LEFT_OUT = {
    "Weibull hazard": "its likelihood needs the time of each patient",
    "Matched pairs": "pairs are of single patients",
    "Leave-one-out scores, comparison of baselines": "each patient's likelihood would be needed; there is one baseline",
    "Kaplan-Meier curves, log-rank test, Cox models": "these need the order of the events: event rates and Poisson regression by interval stand in their "
    "place",
    "Replicated cohorts": "their Kaplan-Meier summaries need times: numbers of events by arm, interval and level are compared instead",
    "Effects by interval and by subgroup": "these are not made from counts",
    "Feedback, start times, unmeasured confounding, covariates left out": "these analyses are computed from patients",
    "Delayed entry, start of treatment, score from elsewhere, imputation": "a table counts follow-up from time zero by who was ever treated",
}


def _sections(material: Material) -> Sequence[ReportSection]:
    counts = material.results.cohort.counts
    if counts is None:
        return []
    cost = [check.text for check in material.results.beside if check.subject.startswith("withheld counts")]
    frame = pd.DataFrame({"what": LEFT_OUT.keys(), "why": LEFT_OUT.values()})
    columns = (Column("Left out", TEXT, "what"), Column("Why", SENTENCE, "why"))
    return [
        ReportSection(
            "counts",
            "What the counts leave out",
            tuple(f"{text}." for text in cost),
            (
                Table(
                    "counts-left-out",
                    "What an analysis of patients has and one of counts has not",
                    columns,
                    frame,
                ),
            ),
            (),
            f"{counts.patients.sum():.0f} patients are analysed as {len(counts.patients)} covariate patterns by arm: events and time at risk by "
            "interval are all that the likelihood of a piecewise exponential hazard needs, so that nothing is approximated but the weighted "
            "bootstrap of iptw and overlap, to its second moments.",
            "trust",
        )
    ]


SECTION = Section(_sections)
