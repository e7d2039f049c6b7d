"""The page's section on a prior of the reader's own: draws of the main fit, reweighted on the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.diagnostics.power_scaling import EFFECT
from inference.fits.fits import FitSummary
from inference.report.content import Live, ReportSection
from inference.report.numbers import number
from inference.report.results import Results
from inference.report.section import Material, Section
from models.prior_files import prior_set_names, read_prior_set
from models.priors import Prior, PriorSet
from models.specification import known_parameters

NORMAL = "Normal"


def draws_of(summary: FitSummary, estimand: str, population: str) -> np.ndarray:
    """Return kept draws of an estimand of everybody (unit, draw); a unit is a design of a cohort."""
    table = summary.estimands.reset_index(drop=True)
    row = table.index[
        (table["estimand"] == estimand)
        & (table["population"] == population)
        & (table["subgroup"].fillna("") == "")
    ]
    drawn = summary.draws["estimand"].isel(row=int(row[0])).transpose("unit", "chain", "draw").to_numpy()
    return drawn.reshape(len(drawn), -1)


def prior_of_effect(priors: PriorSet) -> Prior:
    """Return the prior of the log hazard ratio in a prior set."""
    return priors.prior(known_parameters()[EFFECT])


def live_data(results: Results) -> dict[str, Any] | None:
    """Return what the page computes from: draws of the log hazard ratio and of the difference in restricted mean, and priors of the effect.

    None where the prior is no Normal distribution, or the draws are not of one hazard ratio.
    """
    main = results.main
    fitted = prior_of_effect(main.request.priors)
    effects = main.estimands[main.estimands["estimand"] == "log_hazard_ratio"]
    if fitted.distribution != NORMAL or set(effects["population"]) != {"conditional"} or len(effects) != 1:
        return None
    names, folder = prior_set_names(results.study.folder), results.study.folder
    sets = [main.request.priors, *(read_prior_set(name, known_parameters(), folder) for name in names)]
    priors = {one.name: prior_of_effect(one) for one in sets}
    effect = draws_of(main, "log_hazard_ratio", "conditional")
    horizon = main.estimands.loc[main.estimands["estimand"] == "rmst_difference", "time"].iloc[0]
    unit = results.study.time_unit
    return {
        "effect": [round(float(one), 4) for one in effect.ravel()],
        "time": [float(f"{one:.4g}") for one in draws_of(main, "rmst_difference", "all").ravel()],
        "units": len(effect),
        "mean": fitted.arguments["mu"],
        "sd": fitted.arguments["sigma"],
        "presets": [
            {"name": name, "mean": one.arguments["mu"], "sd": one.arguments["sigma"]}
            for name, one in priors.items()
            if one.distribution == NORMAL
        ],
        "said": f"difference in restricted mean to {number(horizon)} {unit}",
        "unit": unit,
        "command": f"rtsurv fit {results.study.name} --priors FILE",
    }


def live_prior_section(material: Material) -> Sequence[ReportSection]:
    """Return the section; none where the effect of the main fit cannot be reweighted."""
    content = live_data(material.results)
    if content is None or not np.isfinite([*content["effect"], *content["time"]]).all():
        return ()
    return (
        ReportSection(
            "live-prior",
            "A prior of your own",
            (
                f"{len(content['effect'])} draws of the main fit, evenly spaced, are reweighted by the ratio of the two priors, within each cohort and design; the largest weights are "
                "smoothed (Pareto-smoothed importance sampling, Vehtari and others 2024, JMLR 25(72)). Above a k-hat of 0.7 the draws do not reach "
                "far enough, and the result is struck out. Results are within Monte Carlo error, that of so many draws, of a refit.",
            ),
            finding="Set a prior of the effect by its mean and standard deviation. Assumed: it is Normal and independent of all other priors, which stay "
            "as they were.",
            live=Live("prior", content),
        ),
    )


SECTION = Section(live_prior_section)
