"""Did the sampler converge: for every parameter and every reported estimand (doi 10.1214/20-BA1221)."""

import numpy as np
import pandas as pd

from inference.adjustments import ADJUSTMENTS, AdjustedSample
from inference.diagnostics.checks.result import CheckResult, at_least, at_most
from inference.diagnostics.summaries import summarise
from inference.predictive.pointwise import left_out_patients
from models.assembly import parameter_names

RHAT = 1.01
ESS = 400.0
EBFMI = 0.3
KHAT = 0.7
DIVERGENT = 0.001  # share of the draws


def convergence_checks(
    adjusted: AdjustedSample, estimands: pd.DataFrame, pareto_k: np.ndarray | None
) -> list[CheckResult]:
    """Return the convergence checks of a fit.

    Parameters
    ----------
    adjusted : AdjustedSample
    estimands : DataFrame
        Its table of estimands.
    pareto_k : ndarray (patient,) or None
        Tail index of the leave-one-out weights of each patient, where they were computed.
    """
    if ADJUSTMENTS[adjusted.adjustment].maximises:
        return []  # no chains: a maximum that is not found is an error
    from arviz_stats.base import array_stats  # as in `inference.fits.datatree`

    statistics = adjusted.statistics
    divergent = int(statistics["diverging"].sum())
    energy = np.atleast_3d(statistics["energy"])
    ebfmi = min(float(np.min(array_stats.bfmi(energy[:, :, k]))) for k in range(energy.shape[2]))
    text = "smallest of all chains"
    return [
        *chain_checks(_parameter_table(adjusted), estimands),
        divergence_check(divergent, statistics["diverging"].size),
        at_least("convergence", "E-BFMI", ebfmi, EBFMI, f"{text}: energies must be explored freely"),
        *([] if pareto_k is None else [_khat_check(pareto_k)]),
    ]


def divergence_check(divergent: int, draws: int) -> CheckResult:
    """Return the check of divergent transitions: none passes, and more than one in a thousand draws fail.

    A single one among thousands comes with the funnel of any hierarchy and shifts nothing that a Monte Carlo error would show; a share of the
    draws says that a part of the posterior is not entered.
    """
    limit = DIVERGENT * draws
    text = f"divergent transitions of {draws} draws: more than one in a thousand are parts that the sampler cannot enter"
    status = "pass" if divergent == 0 else "warn" if divergent <= limit else "fail"
    return CheckResult("convergence", "divergences", status, float(divergent), limit, text)


def _khat_check(pareto_k: np.ndarray) -> CheckResult:
    known = pareto_k[left_out_patients(len(pareto_k))]
    high = int((known > KHAT).sum())
    text = f"{high} of {len(known)} patients above {KHAT}: leave-one-out scores lean on single patients there"
    return at_most("convergence", "Pareto k-hat", float(np.max(known)), KHAT, text, otherwise="warn")


def chain_checks(parameters: pd.DataFrame, estimands: pd.DataFrame) -> list[CheckResult]:
    """Return the checks of R-hat and of effective sample sizes.

    Parameters
    ----------
    parameters : DataFrame
        name, rhat, ess_bulk, ess_tail.
    estimands : DataFrame
        The same columns of a table of estimands.
    """
    of_estimands = estimands.assign(name=estimands["estimand"] + " (" + estimands["population"] + ")")
    both = pd.concat([parameters, of_estimands[["name", "rhat", "ess_bulk", "ess_tail"]]], ignore_index=True)
    worst = both.loc[both["rhat"].fillna(np.inf).idxmax()]
    text = f"largest for {worst['name']}: chains must agree"
    checks = [at_most("convergence", "R-hat", _finite(worst["rhat"], np.inf), RHAT, text)]
    for column, label in (("ess_bulk", "bulk ESS"), ("ess_tail", "tail ESS")):
        least = both.loc[both[column].fillna(-np.inf).idxmin()]
        text = f"smallest for {least['name']}: effective draws of all parameters and estimands"
        checks.append(at_least("convergence", label, _finite(least[column], 0.0), ESS, text))
    return checks


def row_checks(subject: str, table: pd.DataFrame, row: str) -> list[CheckResult]:
    """Return whether the chains behind the rows of a table agree: its largest rhat, smallest ess_bulk, and divergences."""
    largest, smallest = float(table["rhat"].max()), float(table["ess_bulk"].min())
    diverging, text = float(table["divergences"].sum()), f"divergent transitions, of all {row}s"
    return [
        at_most("convergence", f"{subject}, R-hat", largest, RHAT, f"largest of any {row}"),
        at_least("convergence", f"{subject}, bulk ESS", smallest, ESS, f"smallest of any {row}"),
        at_most("convergence", f"{subject}, divergences", diverging, 0, text),
    ]


def _parameter_table(adjusted: AdjustedSample) -> pd.DataFrame:
    """Return name, R-hat and effective sample sizes of every parameter."""
    names, draws = parameter_draws(adjusted)
    summary = pd.DataFrame(summarise(draws))
    table = summary.assign(name=names)[["name", "rhat", "ess_bulk", "ess_tail"]]
    if adjusted.design_draws is None:
        return table
    alone = [value.reshape(*value.shape[:2], -1) for value in adjusted.treatment.values()]
    treatment = np.moveaxis(np.concatenate(alone, axis=-1), -1, 0)[..., None]
    of_treatment = pd.DataFrame(summarise(treatment))[["rhat", "ess_bulk", "ess_tail"]]
    return pd.concat([table, of_treatment.assign(name="treatment model")], ignore_index=True)


def parameter_draws(adjusted: AdjustedSample) -> tuple[list[str], np.ndarray]:
    """Return the name of every parameter of the outcome model, and its draws (row, chain, draw, design)."""
    posterior = adjusted.designs[0].posterior
    sampled = parameter_names(posterior.cohort, posterior.spec)
    along = {parameter.name: labels for parameter, labels in sampled.items()}
    if posterior.spec is not None:
        along |= {one.value.name: one.labels for one in posterior.spec.effect.components}
    parts = [design.parameters for design in adjusted.designs]
    names, rows = [], []
    for name, value in parts[0].items():
        stacked = np.stack([part[name] for part in parts], axis=-1)
        flat = np.moveaxis(stacked, (0, 1), (-3, -2)).reshape(-1, *value.shape[:2], len(parts))
        labels = along.get(name) or range(1, len(flat) + 1)
        names += [name] if value.ndim == 2 else [f"{name}[{label}]" for label in labels]
        rows.append(flat)
    return names, np.concatenate(rows)


def _finite(value: float, otherwise: float) -> float:
    return float(value) if np.isfinite(value) else otherwise
