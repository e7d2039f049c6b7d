"""The page's sections on the pseudo-patients: what stands beside the publication, and what it does not say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from data.published.evidence import Evidence
from data.published.reconstruction.curve_targets import TOLERANCE, figure_name
from inference.fits.requests import problem_of
from inference.predictive.prior_draws import prior_survival
from inference.published.cohort_differences import (
    cohort_curves,
    curve_readings,
    ensemble_curves,
    ensemble_spread,
    patients_behind,
    printed_points,
)
from inference.report.content import FigureItem, ReportSection
from inference.report.figures.prior_points import PrintedPoint, prior_points_figure
from inference.report.figures.reconstruction_curves import reconstruction_curves_figure
from inference.report.figures.reconstruction_spread import reconstruction_spread_figure
from inference.report.figures.reconstruction_survival import followed_by_phase, reconstruction_survival_figure
from inference.report.figures.reconstruction_targets import reconstruction_targets_figure
from inference.report.figures.risk_table import followed_patients
from inference.report.numbers import lone_ratio, number
from inference.report.priors import PRIOR_DRAWS
from inference.report.reconstruction_tables import (
    UNSAID,
    families_of_targets,
    missing_information_table,
    unsaid_table,
    worth_sentences,
    worth_table,
)
from inference.report.results import Results
from inference.report.section import Material, Section
from inference.report.table import frame_table

PRIOR_TIMES = 101


def reconstruction_section(
    results: Results,
    targets: pd.DataFrame,
    conflicts: Sequence[str],
    figures: Sequence[FigureItem],
    assumptions: pd.DataFrame | None = None,
    worth: pd.DataFrame | None = None,
) -> ReportSection:
    """Return the section on the pseudo-patients: how well they meet the printed numbers, and how much they differ.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    targets : DataFrame
        target, family, printed, tolerance, cohort, value, z.
    conflicts : sequence of str
        Targets that could not be met, and what they pull against.
    figures : sequence of FigureItem
    assumptions : DataFrame, optional
        From `inference.published.unprinted.assumption_table`.
    worth : DataFrame, optional
        As in `inference.report.publication.Companions`.
    """
    cohorts, size = len(results.cohorts), results.cohort.size
    beyond = int((targets["z"].abs() > 1).sum())
    steered = targets[~targets["family"].isin(("table 1", "deaths"))]
    paragraphs = (
        f"{cohorts} {'cohort' if cohorts == 1 else 'cohorts'} of {size} pseudo-patients, drawn towards the printed numbers. Of "
        f"{len(targets)} comparisons with print, {len(targets) - beyond} lie within their tolerance"
        f"{'' if beyond == 0 else f' and {beyond} beyond it'}; the median distance "
        f"of the numbers that are not counts is {number(steered['z'].abs().median())} tolerances.",
        "What is not printed differs between the cohorts as far as the generative model of decisions 0014 and 0026 lets it. The tables say "
        "how much of each variance lies between the cohorts. Given that model, this share is the price of not having the patients; where a "
        "strong effect or a strong dependence that nobody printed exists, the price is higher than the tables say.",
        *([] if assumptions is None else [_under_looser(assumptions)]),
        *([] if worth is None else worth_sentences(worth)),
        *conflicts,
    )
    tables = [families_of_targets(targets)]
    if assumptions is not None:
        tables.append(frame_table("assumptions", ASSUMPTIONS, assumptions))
    if worth is not None:
        tables.append(worth_table(worth))
    unsaid = pd.DataFrame()
    if cohorts > 1:
        tables.append(missing_information_table(results.main.pooling))
        unsaid = unsaid_table(results)
    return ReportSection(
        "reconstruction",
        "The pseudo-patients, and what the publication does not say",
        paragraphs,
        (*tables, frame_table("unsaid", UNSAID, unsaid)) if len(unsaid) else tuple(tables),
        tuple(figures),
        f"Of {len(targets)} comparisons of {cohorts} {'cohort' if cohorts == 1 else 'cohorts'} of pseudo-patients with print, {beyond} lie "
        "beyond their tolerance.",
        "trust",
        "reconstruction-families",
    )


ASSUMPTIONS = (
    "Adjusted log hazard ratio (Cox, all covariates of the outcome formula) under the main assumptions on what is not printed, and under "
    "looser ones: standard deviations of effects, of their differences between the arms, and of loadings"
)


def _under_looser(table: pd.DataFrame) -> str:
    """Return how the adjusted effect moves under looser assumptions."""
    main, loose = table.iloc[0], table.iloc[-1]
    ratios = [
        f"{lone_ratio(np.exp(row['log_hazard_ratio']))} ({100 * row['fraction_of_missing_information']:.0f} % missing information)"
        for row in (main, loose)
    ]
    return (
        f"Under looser assumptions (effects that are not printed vary by {loose['effect_sd']:g} instead of {main['effect_sd']:g} on the "
        f"log scale, covariates go together more strongly) Cox's adjusted hazard ratio is {ratios[1]} instead of {ratios[0]}."
    )


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    worth = None if material.companions is None else material.companions.worth
    return {} if worth is None else {"evidence_worth": worth}


def _sections(material: Material) -> list[ReportSection]:
    results, publication, companions = material.results, material.publication, material.companions
    if publication is None or companions is None:
        return []
    study, made, evidence = results.study, publication.reconstruction, publication.evidence
    figures = [
        material.figure(
            "reconstruction_targets",
            "How near the pseudo-patients come to print",
            lambda: reconstruction_targets_figure(made.targets),
        ),
        material.figure(
            "reconstruction_survival",
            "Survival of the pseudo-patients, and the printed points",
            lambda: reconstruction_survival_figure(
                ensemble_curves(made.patients),
                printed_points(evidence),
                followed_by_phase(made.patients),
                study.time_unit,
                study.treatment.labels,
            ),
        ),
        *(
            [
                material.figure(
                    "reconstruction_curves",
                    "The published curves, as read, over the pseudo-patients",
                    lambda: reconstruction_curves_figure(
                        curve_readings(evidence, made.patients),
                        cohort_curves(evidence, made.patients),
                        {
                            (figure_name(curve), curve.arm): followed_patients(
                                patients_behind(curve, made.patients), len(results.cohorts)
                            )
                            for curve in evidence.curves
                        },
                        TOLERANCE,
                        study.time_unit,
                        study.treatment.labels,
                    ),
                )
            ]
            if evidence.curves
            else []
        ),
        material.figure(
            "reconstruction_spread",
            "What differs between the cohorts",
            lambda: reconstruction_spread_figure(ensemble_spread(study, made.patients, made.modalities)),
        ),
        material.figure(
            "prior_points",
            "What the priors say of survival, and the printed points",
            lambda: _prior_points(results, evidence),
        ),
    ]
    return [
        reconstruction_section(
            results, made.targets, made.conflicts, figures, companions.assumptions, companions.worth
        )
    ]


def _prior_points(results: Results, evidence: Evidence) -> Figure:
    """Draw the prior predictive survival of an average untreated patient under every prior set."""
    study, cohort = results.study, results.cohort
    times = np.linspace(0.0, float(cohort.time.max()), PRIOR_TIMES)
    curves = {}
    for summary in (results.main, *results.prior_sets):
        request = summary.request
        baseline = problem_of(study, cohort, request).spec.baseline
        drawn = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
        curves[request.priors.name] = drawn
    points = [
        PrintedPoint(row["time"], row["survival"], row["arm"], row["phase"])
        for row in printed_points(evidence).query("kind == 'survival'").to_dict("records")
    ]
    return prior_points_figure(times, curves, points, study.treatment.labels, study.time_unit)


SECTION = Section(_sections, _tables)
