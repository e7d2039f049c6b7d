"""A study that publishes no patients: what its pages say beside an analysis of pseudo-patients."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.published.audit import Finding
from data.published.evidence import Evidence, load_evidence
from data.published.reconstruction import Reconstruction
from data.study.pseudo_cohorts import pseudo_cohorts
from data.study.study import Study
from inference.diagnostics.checks.result import CheckResult
from inference.estimands.horizon import report_times
from inference.fits.executor import Chunk, local_processes
from inference.published.audited import audit_table, findings_of
from inference.published.evidence_worth import effects_without, kinds_printed, pooled_effects
from inference.published.patients import effect_on_patients, patients_of
from inference.published.reanalysis.replicate import Replication, group_labels, replicated, replication_of
from inference.published.toxicity import Toxicity, has_to_sample, toxicity_of
from inference.published.unprinted import looser_assumptions, unprinted_checks
from inference.report.results import Results
from inference.sampling.settings import SamplerSettings
from inference.sensitivity.modalities import EffectByGroup, effect_by_group
from inference.storage.cache import Deferred

LOOSER_COHORTS = 8  # enough for a mean and its spread, of each ensemble beside the main one


@dataclass(frozen=True, eq=False)
class Publication:
    """What stands behind pseudo-patients."""

    evidence: Evidence  # the published numbers
    reconstruction: Reconstruction  # the pseudo-patients, and how well they meet each number
    matched: np.ndarray  # (cohort, patient) who is in the published matched set


@dataclass(frozen=True, eq=False)
class Companions:
    """What is computed from the publication beside the fits."""

    findings: tuple[Finding, ...]  # its audit
    toxicity: Toxicity | None  # of the series that its review cites
    replication: Replication  # its own analysis, done again on the pseudo-patients
    modalities: tuple[EffectByGroup, ...]  # the effect in groups whose sizes it does not print
    # the adjusted effect under the main assumptions on what is not printed, and under looser ones; not in a
    # quick look
    assumptions: pd.DataFrame | None
    # the effect with all evidence, and reconstructed without each kind of it: ``without`` (empty for all),
    # and the columns of `inference.published.evidence_worth.pooled_effects`. Only where a survival curve is
    # printed, and not in a quick look
    worth: pd.DataFrame | None
    # estimands of the main model on the patients themselves, where the study names theirs
    patients: pd.DataFrame | None
    unprinted: tuple[CheckResult, ...]  # covariates without a printed effect in which the arms differ

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Whether what was sampled from the publication alone converged, and what the pseudo-patients rest on."""
        toxicity = () if self.toxicity is None else self.toxicity.checks
        return (*(check.of("toxicity") for check in toxicity), *self.unprinted)


@contextmanager
def sampled_meanwhile(study: Study, seed: int, folder: Path) -> Generator[None]:
    """Let a worker sample what needs no patients while the block reconstructs them; it is cached in the folder."""
    if study.cohort.source == "reconstruction":
        evidence = load_evidence(study)
        if has_to_sample(evidence, seed, folder):
            with local_processes(folder) as executor:
                sampled = executor.submit(toxicity_of, evidence, seed, folder)
                yield
                sampled.result()
                return
    yield


def companion_chunks(
    study: Study, publication: Publication, seed: int, folder: Path, quick: bool
) -> list[Chunk]:
    """Return what takes a while and is not in the folder yet, in chunks; a quick look has no looser assumptions."""
    made, evidence = publication.reconstruction, publication.evidence
    results: dict[str, Deferred[Any]] = {
        "the audit of what is printed": audit_table.deferred(folder, study, evidence),
        "the publication's own analysis": replicated(folder, made, study, evidence),
    }
    if not quick:
        results |= {"looser assumptions on what is not printed": _looser(study, publication, seed, folder)}
        results |= {
            f"pseudo-patients without {kind}": one
            for kind, one in _without(study, publication, seed, folder).items()
        }
    if (themselves := _patients(study, seed, folder)) is not None:
        results |= {"the patients themselves": themselves}
    return [Chunk(label, result.value) for label, result in results.items() if not result.held()]


def _looser(study: Study, publication: Publication, seed: int, folder: Path) -> Deferred[pd.DataFrame]:
    patients = publication.reconstruction.patients
    return looser_assumptions.deferred(folder, study, publication.evidence, patients, LOOSER_COHORTS, seed)


def _without(
    study: Study, publication: Publication, seed: int, folder: Path
) -> dict[str, Deferred[pd.DataFrame]]:
    evidence, horizon = publication.evidence, _horizon(study, publication)
    return {
        kind: effects_without.deferred(folder, study, evidence, kind, horizon, LOOSER_COHORTS, seed)
        for kind in kinds_printed(evidence)
    }


def _horizon(study: Study, publication: Publication) -> float:
    """Return the horizon of the analysis, which rests on its first cohort."""
    patients = publication.reconstruction.patients
    first = patients[patients["cohort"] == patients["cohort"].iloc[0]]
    return report_times(study, pseudo_cohorts(first, study, "reconstruction").cohorts[0])[0]


def _patients(study: Study, seed: int, folder: Path) -> Deferred[pd.DataFrame] | None:
    behind = patients_of(study)
    return (
        None if behind is None else effect_on_patients.deferred(folder, *behind, SamplerSettings(seed=seed))
    )


def _worth(study: Study, publication: Publication, seed: int, folder: Path) -> pd.DataFrame | None:
    """Return the effect with all evidence, and without each kind; None where there is nothing to compare."""
    patients = publication.reconstruction.patients
    parts = _without(study, publication, seed, folder)
    if not parts or patients["cohort"].nunique() < 2:
        return None
    tables = {"": pooled_effects(study, patients, _horizon(study, publication))} | {
        kind: part.value() for kind, part in parts.items()
    }
    return pd.concat([table.assign(without=kind) for kind, table in tables.items()], ignore_index=True)


def companions_of(
    results: Results, publication: Publication, seed: int, folder: Path, quick: bool
) -> Companions:
    """Return what is computed from the publication; what takes a while is cached in the folder."""
    study, made, evidence = results.study, publication.reconstruction, publication.evidence
    return Companions(
        findings_of(audit_table(folder, study, evidence)),
        toxicity_of(evidence, seed, folder),
        replication_of(made, study, evidence, folder),
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
        None if quick else _looser(study, publication, seed, folder).value(),
        None if quick else _worth(study, publication, seed, folder),
        None if (themselves := _patients(study, seed, folder)) is None else themselves.value(),
        tuple(unprinted_checks(study, evidence)),
    )
