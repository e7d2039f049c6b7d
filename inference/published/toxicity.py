"""Harm with and without a drug: the posterior of the toxicity model under every reading of what is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from data.published.evidence import Evidence
from data.published.toxicity import CountReading, ToxicityEvidence, toxicity_evidence
from inference.diagnostics import rhat_ess
from inference.diagnostics.checks.result import CheckResult, at_least, at_most
from inference.published.toxicity_summaries import contrast_table, risk_table
from inference.sampling.compiled import compile_density
from inference.sampling.compiled.density import POSITION
from inference.sampling.geometry import layout_of, whiten
from inference.sampling.settings import SamplerSettings
from inference.storage.cache import TREE, cached
from models.priors import Prior
from models.toxicity import (
    MEANINGS,
    ToxicityArms,
    arms_of,
    build_toxicity_model,
    toxicity_content,
    toxicity_priors,
)

CHAINS, DRAWS, TUNE = 4, 2000, 1000
ACCEPT = 0.99  # small counts make funnels: at 0.95 one divergence in 40,000 draws, for some seeds
RHAT, ESS = 1.01, 400.0
MAIN = "main"
PARAMETERS = tuple(MEANINGS)


@dataclass(frozen=True, eq=False)
class Scenario:
    """A way to read what is printed: the counts of every series, and the priors."""

    name: str
    text: str
    arms: ToxicityArms
    priors: Mapping[str, Prior]


@dataclass(frozen=True, eq=False)
class Toxicity:
    """What the published series say of harm with and without the drug.

    Attributes
    ----------
    evidence : ToxicityEvidence
        The counts, with every reading of them.
    risks : DataFrame
        series, exposure, cases, size, crude, crude_lower, crude_upper, median, lower, upper; shares. Series is empty for
        the typical series, whose counts are missing. Main scenario.
    contrasts : DataFrame
        scenario, text, contrast, quantity, median, lower, upper, probability_of_harm. Contrast is "drug" (with against
        without) or "timing" (at the same time against in sequence); quantity is risk_difference, risk_ratio,
        odds_ratio or number_needed_to_harm, of which the last is NaN where the interval of the difference holds 0.
    priors : DataFrame
        parameter, prior, reason, meaning.
    checks : tuple of CheckResult
        Of convergence, over all scenarios.
    posterior : mapping of str to ndarray (draw,)
        Draws of the parameters, main scenario.
    """

    evidence: ToxicityEvidence
    risks: pd.DataFrame
    contrasts: pd.DataFrame
    priors: pd.DataFrame
    checks: tuple[CheckResult, ...]
    posterior: Mapping[str, np.ndarray]


def toxicity_of(evidence: Evidence, seed: int, folder: Path) -> Toxicity | None:
    """Return the toxicity analysis of a study's review; None where the review holds no such series.

    Parameters
    ----------
    evidence : Evidence
    seed : int
        Same seed, same draws.
    folder : Path
        Where the draws are kept; taken from there where inputs and source are the same.
    """
    found = toxicity_evidence(evidence)
    if found is None:
        return None
    listed = scenarios_of(found)
    return read_toxicity(found, listed, sample_toxicity(folder, listed, seed))


def has_to_sample(evidence: Evidence, seed: int, folder: Path) -> bool:
    """Return whether `toxicity_of` would sample: it has what to sample, and it is not kept."""
    found = toxicity_evidence(evidence)
    return found is not None and not sample_toxicity.held(folder, scenarios_of(found), seed)


def scenarios_of(found: ToxicityEvidence) -> list[Scenario]:
    """Return the main scenario and those that read, leave out or weigh something else."""
    priors = toxicity_priors(found.historical)
    first = [series.readings[0] for series in found.series]
    scenarios = [Scenario(MAIN, "the readings that leave out the fewest patients", arms_of(first), priors)]
    for place, series in enumerate(found.series):
        for reading in series.readings[1:]:
            other = [*first[:place], reading, *first[place + 1 :]]
            counts = " and ".join(f"{arm.cases}/{arm.size}" for arm in reading.arms)
            scenarios.append(
                Scenario(f"{series.id}: {counts}", f"{series.study} read as {counts}", arms_of(other), priors)
            )
    if len(first) > 1:
        for place, series in enumerate(found.series):
            arms = _emptied(arms_of(first), place)
            scenarios.append(Scenario(f"without {series.id}", f"without {series.study}", arms, priors))
    wide = replace(priors["drug_effect"], arguments={"mu": 0.0, "sigma": 2.0})
    text = "a prior of the drug's effect twice as wide"
    scenarios.append(Scenario("wide prior", text, arms_of(first), {**priors, "drug_effect": wide}))
    return scenarios


def _emptied(arms: ToxicityArms, place: int) -> ToxicityArms:
    """Return arms of which those of one series have nobody: it then says nothing."""
    kept = arms.series != place
    return replace(arms, cases=arms.cases * kept, size=arms.size * kept)


@cached(TREE)
def sample_toxicity(scenarios: Sequence[Scenario], seed: int) -> xr.DataTree:
    """Return draws under every scenario, the model compiled once; groups are the scenarios' positions."""
    model = build_toxicity_model(scenarios[0].arms, scenarios[0].priors)
    layout = layout_of(model)
    density = compile_density(whiten(model, layout, None))
    groups = {}
    for place, scenario in enumerate(scenarios):
        centre = layout.join({name: prior.frozen.median() for name, prior in scenario.priors.items()})
        content = toxicity_content(scenario.arms, scenario.priors)
        bound = density.bind(content | {"location": centre, "scale": np.eye(layout.size)})
        settings = SamplerSettings(CHAINS, DRAWS, TUNE, seed + place)
        trace = bound.draw(np.zeros(layout.size), settings, ACCEPT)
        drawn = layout.split(centre + trace[POSITION])
        shift = drawn["between_series_sd"][..., None] * drawn["series_standard"]
        groups[f"scenario_{place}"] = xr.Dataset(
            {name: (("chain", "draw"), drawn[name]) for name in PARAMETERS}
            | {"series_shift": (("chain", "draw", "series"), shift)}
            | {"diverging": (("chain", "draw"), trace["diverging"].astype(np.int8))}
        )
    return xr.DataTree.from_dict(groups)


def read_toxicity(found: ToxicityEvidence, scenarios: Sequence[Scenario], tree: xr.DataTree) -> Toxicity:
    """Return what draws say."""
    drawn = [_draws(tree, place) for place in range(len(scenarios))]
    contrasts = [
        contrast_table(draws).assign(scenario=scenario.name, text=scenario.text)
        for scenario, draws in zip(scenarios, drawn, strict=True)
    ]
    readings: list[CountReading] = [series.readings[0] for series in found.series]
    table = pd.concat(contrasts, ignore_index=True)
    priors = pd.DataFrame(
        [
            {"parameter": name, "prior": str(prior), "reason": prior.reason, "meaning": MEANINGS[name]}
            for name, prior in scenarios[0].priors.items()
        ]
    )
    return Toxicity(
        evidence=found,
        risks=risk_table([series.study for series in found.series], readings, drawn[0]),
        contrasts=table[["scenario", "text", *(name for name in table if name not in ("scenario", "text"))]],
        priors=priors,
        checks=tuple(convergence_of(tree, len(scenarios))),
        posterior={name: drawn[0][name] for name in PARAMETERS},
    )


def convergence_of(tree: xr.DataTree, scenarios: int) -> list[CheckResult]:
    """Return R-hat, effective sample sizes and divergences, the worst over parameters and scenarios."""
    groups = [tree[f"scenario_{place}"].to_dataset() for place in range(scenarios)]
    draws = [group[name].to_numpy() for group in groups for name in PARAMETERS]
    shifts = [one for group in groups for one in np.moveaxis(group["series_shift"].to_numpy(), -1, 0)]
    rows = np.stack([*draws, *shifts])
    divergences = sum(int(group["diverging"].sum()) for group in groups)
    text = "of all parameters under all readings of the toxicity series"
    return [
        at_most("convergence", "toxicity R-hat", rhat_ess.rhat(rows).max(), RHAT, f"largest {text}"),
        at_least("convergence", "toxicity bulk ESS", rhat_ess.ess_bulk(rows).min(), ESS, f"smallest {text}"),
        at_least("convergence", "toxicity tail ESS", rhat_ess.ess_tail(rows).min(), ESS, f"smallest {text}"),
        at_most("convergence", "toxicity divergences", divergences, 0, f"divergent transitions {text}"),
    ]


def _draws(tree: xr.DataTree, place: int) -> dict[str, np.ndarray]:
    """Return draws laid end to end: single numbers (draw,), and the series' shifts (draw, series)."""
    group = tree[f"scenario_{place}"].to_dataset()
    drawn = {name: group[name].to_numpy().ravel() for name in PARAMETERS}
    shift = group["series_shift"].to_numpy()
    return drawn | {"series_shift": shift.reshape(-1, shift.shape[-1])}
