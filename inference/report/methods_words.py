"""A methods paragraph, every number of it from the tables and the manifest of the analysis."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from inference.report.adjustment_words import adjusted_by
from inference.report.content import Report, fit_rows
from inference.report.exposure_words import exposure_sentence
from inference.report.figures.wording import words
from inference.report.numbers import number
from inference.report.provenance_tables import flattened
from inference.report.sentences import horizon_of
from inference.report.vocabulary import vocabulary


def methods_paragraph(report: Report) -> str:
    """Return how the main numbers were obtained."""
    said, study, unit = vocabulary(report.study), report.study, report.study.time_unit
    rows = fit_rows(report.estimands, report.main)
    horizon = horizon_of(rows)
    covariates = [one.label or name for name, one in study.covariates.items()]
    effect = report.priors.loc[report.priors["parameter"] == "treatment_effect", "prior"]
    sentences = [
        _who(report),
        exposure_sentence(report.main["exposure"], study),
        f"The main model has a {words(report.main['baseline']).lower()} baseline hazard and adjusts by {adjusted_by(report.main['adjustment'], study)}"
        + (f" for {', '.join(covariates)}." if covariates else "; no covariate was recorded."),
        f"The prior of the log hazard ratio is {effect.iloc[0]} (prior set {report.main['prior_set']})."
        if len(effect)
        else "",
        f"Averages are standardised (g-computation) over all {said.patients}"
        + (f", restricted means to {number(horizon)} {unit}" if horizon else "")
        + "; numbers are posterior medians with 95 % equal-tailed intervals.",
        _computing(report.manifest, rows),
    ]
    return " ".join(filter(None, sentences))


def _who(report: Report) -> str:
    said, arms = vocabulary(report.study), report.arms.set_index(report.arms["arm"].fillna(""))
    if not {"treated", "control"} <= set(arms.index) or "events" not in arms:
        return f"{report.patients} {said.patients} were analysed."
    parts = [
        f"{number(arms.loc[arm, 'patients'])} with “{label}” ({number(arms.loc[arm, 'events'])} {said.events})"
        for arm, label in report.study.treatment.labels.items()
    ]
    pooled = (
        f" Numbers are pooled over {report.cohorts} cohorts of {said.patients} with equal weights."
        if report.cohorts > 1
        else ""
    )
    return f"{report.patients} {said.patients} were analysed: {' and '.join(parts)}.{pooled}"


def _computing(manifest: Mapping[str, Any], rows: pd.DataFrame) -> str:
    found = {key.split(" · ")[-1]: value for key, value in flattened(manifest)}
    parts = [f"{found[name]} {name}" for name in ("chains", "draws") if name in found]
    said = [
        f"Draws were made with NUTS ({', '.join(parts)}{' a chain' if 'draws' in found else ''})"
        if parts
        else ""
    ]
    said += [f"PyMC {found['pymc']}"] if "pymc" in found else []
    said += [f"seed {found['seed']}"] if "seed" in found else []
    rhat, ess = rows["rhat"].max(), rows["ess_bulk"].min()
    if pd.notna(rhat):
        said.append(
            f"largest R-hat of an estimand {number(rhat, 4)}, smallest bulk effective sample size {number(round(ess))}"
        )
    return "; ".join(filter(None, said)) + "." if any(said) else ""
