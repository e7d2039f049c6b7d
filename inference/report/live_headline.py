"""The first screen under another baseline, adjustment or population: every result that a reader can choose on the page."""

from dataclasses import asdict

from data.study.pseudo_cohorts import words_for
from inference.estimands.curves import ARMS
from inference.fits.fits import FitSummary
from inference.report.content import Live
from inference.report.figures.style import ARM_COLOURS
from inference.report.figures.wording import POPULATION_NAMES, words
from inference.report.headline import MAIN_POPULATION, result_of
from inference.report.live_survival import survival_readings
from inference.report.results import Results
from inference.report.sections.models import members_of

AVERAGED = {
    "all": "Survival is averaged over all patients. Assumed: each could have had either treatment.",
    "treated": "Survival is averaged over those who were treated. Assumed: each of them could have gone without.",
    "overlap": "Survival is averaged with the weights p(1 − p): those count most who were as likely to be treated as not.",
    "matched": "Survival is averaged over the pairs: treated patients for whom an untreated one of like propensity was found.",
}
"""What a choice of population means and assumes."""


def live_headline(results: Results) -> Live | None:
    """Return the results to choose from, by baseline, adjustment and population; None where there is only one."""
    shown = {
        "/".join((model.request.baseline, model.request.adjustment, population)): _shown(
            results, model, population
        )
        for model in results.models
        for population in model.curves["population"].to_numpy().tolist()
    }
    if len(shown) < 2:
        return None
    main, say = results.main.request, words_for(results.study) or str
    assumed = {(one.family, one.name): one.card.assumes for one in members_of(results)}
    populations = dict.fromkeys(one.rpartition("/")[2] for one in shown)
    return Live(
        "headline",
        {
            "main": f"{main.baseline}/{main.adjustment}/{MAIN_POPULATION}",
            "choices": {
                **{
                    family: [
                        {
                            "name": name,
                            "label": words(name).lower(),
                            "assumes": say(assumed.get((family, name), "")),
                        }
                        for name in dict.fromkeys(model.request.named[family] for model in results.models)
                    ]
                    for family in ("baseline", "adjustment")
                },
                "population": [
                    {
                        "name": name,
                        "label": say(POPULATION_NAMES.get(name, name)),
                        "assumes": say(AVERAGED.get(name, "")),
                    }
                    for name in populations
                ],
            },
            "colours": [ARM_COLOURS[arm] for arm in reversed(ARMS)],
            "shown": shown,
        },
    )


def _shown(results: Results, model: FitSummary, population: str) -> dict[str, object]:
    result = result_of(results.study, model.estimands, population)
    return asdict(result) | {"curves": survival_readings(model.curves, population)}
