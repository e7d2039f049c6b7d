"""A study that publishes no patients: what its pages say beside an analysis of pseudo-patients."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from data.published.audit import Finding, audit
from data.published.audit.uses import uses_of
from data.published.evidence import Evidence, load_evidence
from data.published.reconstruction import Reconstruction
from data.study.study import Study
from inference.diagnostics.checks import CheckResult
from inference.fits.requests import question_of
from inference.fits.workers import Beside, meanwhile
from inference.predictive.prior_draws import prior_survival
from inference.published.cohort_differences import ensemble_curves, ensemble_spread, printed_points
from inference.published.reanalysis import Replication, group_labels, replication_of
from inference.published.toxicity import Toxicity, has_to_sample, toxicity_of
from inference.published.unprinted import looser_assumptions, unprinted_checks
from inference.report.audit_section import audit_section
from inference.report.content import FigureItem, ReportSection
from inference.report.context_section import context_sections
from inference.report.drawings import Draw
from inference.report.figures import (
    predictive_published_figure,
    prior_points_figure,
    reconstruction_spread_figure,
    reconstruction_survival_figure,
    reconstruction_targets_figure,
    subgroups_figure,
)
from inference.report.figures.captions import CAPTIONS
from inference.report.figures.prior_points import PrintedPoint
from inference.report.gallery import PRIOR_DRAWS
from inference.report.modality_section import modality_section
from inference.report.pseudo import section_of_pseudo_patients
from inference.report.reconstruction_section import beside_section, reconstruction_section
from inference.report.replicate_section import replicate_sections
from inference.report.results import Results
from inference.report.untimed_section import untimed_section
from inference.sensitivity.modalities import EffectByGroup, effect_by_group
from inference.storage.store import Store

PRIOR_TIMES = 101
LOOSER_COHORTS = 8  # enough for a mean and its spread


@dataclass(frozen=True, eq=False)
class Publication:
    """What stands behind pseudo-patients.

    Attributes
    ----------
    evidence : Evidence
        The published numbers.
    reconstruction : Reconstruction
        The pseudo-patients, and how well they meet each number.
    matched : ndarray of bool (cohort, patient)
        Who is in the published matched set.
    """

    evidence: Evidence
    reconstruction: Reconstruction
    matched: np.ndarray


@dataclass(frozen=True, eq=False)
class Companions:
    """What is computed from the publication beside the fits.

    Attributes
    ----------
    findings : tuple of Finding
        Its audit.
    toxicity : Toxicity or None
        Of the series that its review cites.
    replication : Replication
        Its own analysis, done again on the pseudo-patients.
    modalities : tuple of EffectByGroup
        The effect in groups whose sizes it does not print.
    assumptions : DataFrame or None
        The adjusted effect under the main assumptions on what is not printed, and under looser ones; not in a quick look.
    unprinted : tuple of CheckResult
        Covariates without a printed effect in which the arms differ.
    """

    findings: tuple[Finding, ...]
    toxicity: Toxicity | None
    replication: Replication
    modalities: tuple[EffectByGroup, ...]
    assumptions: pd.DataFrame | None
    unprinted: tuple[CheckResult, ...]

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Whether what was sampled from the publication alone converged, and what the pseudo-patients rest on."""
        toxicity = () if self.toxicity is None else self.toxicity.checks
        return (*(check.of("toxicity") for check in toxicity), *self.unprinted)


@contextmanager
def sampled_meanwhile(study: Study, seed: int, store: Store) -> Generator[None]:
    """Let a worker sample what needs no patients while the block reconstructs them; it is kept in the store."""
    if study.cohort.source == "reconstruction":
        evidence = load_evidence(study)
        if has_to_sample(evidence, seed, store.kept):
            with meanwhile(partial(toxicity_of, evidence, seed, store.kept), store.kept):
                yield
                return
    yield


def companion_jobs(
    study: Study, publication: Publication, seed: int, store: Store, quick: bool
) -> list[Beside]:
    """Return what takes a while of it, as jobs for workers, cached in the store; a quick look has one of them."""
    made, evidence = publication.reconstruction, publication.evidence
    replication = partial(replication_of, made, study, evidence, store.kept)
    looser = partial(_looser, study, publication, seed, store)
    jobs = [Beside("the publication's own analysis", replication)]
    return jobs if quick else [Beside("looser assumptions on what is not printed", looser), *jobs]


def _looser(study: Study, publication: Publication, seed: int, store: Store) -> pd.DataFrame:
    patients, cohorts = publication.reconstruction.patients, LOOSER_COHORTS
    folder = store.kept / "looser"
    return looser_assumptions(study, publication.evidence, patients, cohorts, seed, folder, workers=1)


def companions_of(
    results: Results, publication: Publication, seed: int, store: Store, quick: bool
) -> Companions:
    """Return what is computed from the publication; what takes a while is kept in the store, and taken from there."""
    study, made, evidence = results.study, publication.reconstruction, publication.evidence
    return Companions(
        audit(study, evidence),
        toxicity_of(evidence, seed, store.kept),
        replication_of(made, study, evidence, store.kept),
        tuple(
            effect_by_group(
                results.cohorts,
                [
                    group_labels(made.modalities, int(str(number)), part["patient"], analysis)
                    for number, part in made.patients.groupby("cohort")
                ],
                medians,
                analysis,
                results.main.request.priors,
                seed,
            )
            for analysis, medians in evidence.group_medians.items()
        ),
        None if quick else _looser(study, publication, seed, store),
        tuple(unprinted_checks(study, evidence)),
    )


def publication_sections(
    results: Results,
    publication: Publication,
    companions: Companions,
    draw: Draw,
    left_out: pd.DataFrame | None = None,
) -> list[ReportSection]:
    """Return the sections of the page that only such a study has.

    Parameters
    ----------
    results : Results
        Of the pseudo-patients.
    publication : Publication
    companions : Companions
    draw : callable
        Gives a drawing from a name and what makes the figure.
    left_out : DataFrame or None
        The main model with covariates of unknown timing left out; a quick look has none.
    """

    def item(name: str, title: str, figure: Callable[[], Figure]) -> FigureItem:
        drawing = draw(name.replace("_", "-"), figure)
        return FigureItem(name.replace("_", "-"), title, CAPTIONS[name], drawing, "section")

    study, made = results.study, publication.reconstruction
    unit = study.time_unit
    labels = {"treated": study.treatment.treated_label, "control": study.treatment.control_label}
    beside = item(
        "predictive_published",
        "Printed numbers among replicated ones",
        lambda: predictive_published_figure(results.main.published, unit),
    )
    of_ensemble = [
        item(
            "reconstruction_targets",
            "How near the pseudo-patients come to print",
            lambda: reconstruction_targets_figure(made.targets),
        ),
        item(
            "reconstruction_survival",
            "Survival of the pseudo-patients, and the printed points",
            lambda: reconstruction_survival_figure(
                ensemble_curves(made.patients), printed_points(publication.evidence), unit, labels
            ),
        ),
        item(
            "reconstruction_spread",
            "What differs between the cohorts",
            lambda: reconstruction_spread_figure(ensemble_spread(study, made.patients, made.modalities)),
        ),
        item(
            "prior_points",
            "What the priors say of survival, and the printed points",
            lambda: _prior_points(results, publication.evidence),
        ),
    ]
    untimed = untimed_section(results, publication.evidence, left_out)
    return [
        beside_section(results, [beside]),
        *([untimed] if untimed is not None else []),
        reconstruction_section(results, made.targets, made.conflicts, of_ensemble, companions.assumptions),
        audit_section(
            companions.findings,
            publication.evidence,
            unit,
            draw,
            uses_of(study, publication.evidence, companions.findings),
        ),
        *replicate_sections(companions.replication, study, publication.evidence, draw),
        *(_modalities(found, publication.evidence, unit, draw) for found in companions.modalities),
        *context_sections(publication.evidence, companions.toxicity, draw),
    ]


def _modalities(found: EffectByGroup, evidence: Evidence, unit: str, draw: Draw) -> ReportSection:
    name = f"effect-by-{found.analysis.replace('_', '-')}"
    arm = evidence.names.arms.treated
    words = " ".join(arm if part == arm.lower() else part for part in found.analysis.split("_"))
    shown = found.table.rename(columns={"group": "level"}).assign(covariate=words)
    drawing = draw(name, lambda: subgroups_figure(shown))
    item = FigureItem(name, f"The hazard ratio by {words}", CAPTIONS["modalities"], drawing, "section")
    return section_of_pseudo_patients(modality_section(found, words, unit, [item]))


def _prior_points(results: Results, evidence: Evidence) -> Figure:
    """Draw the prior predictive survival of an average untreated patient under every prior set."""
    study, cohort = results.study, results.cohort
    times = np.linspace(0.0, float(cohort.time.max()), PRIOR_TIMES)
    curves = {}
    for reading in (results.main, *results.prior_sets):
        request = reading.request
        baseline = question_of(study, cohort, request).spec.baseline
        drawn = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
        curves[request.priors.name] = drawn
    points = [
        PrintedPoint(row["time"], row["survival"], row["arm"], row["phase"])
        for row in printed_points(evidence).query("kind == 'survival'").to_dict("records")
    ]
    labels = {"treated": study.treatment.treated_label, "control": study.treatment.control_label}
    return prior_points_figure(times, curves, points, labels, study.time_unit)
