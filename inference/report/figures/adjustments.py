"""The average hazard ratio under every baseline and adjustment, population by population."""

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, heading
from inference.report.figures.style import CYCLE, POSTERIOR, style
from inference.report.figures.table_rows import forest_of_ratios, forest_row
from inference.report.figures.wording import POPULATION_NAMES, capitalised, words

CAPTION = (
    "Average hazard ratio up to the horizon with 95 % intervals, on a log scale, under each adjustment; left of the dashed "
    "line the treated fare better. Within a block all rows speak of the same population and can be compared; between blocks "
    "the populations differ. Weights are estimated anew in each draw, and pairs are drawn anew, so that "
    "their intervals hold the uncertainty of the design."
)


@style()
def adjustments_figure(compared: pd.DataFrame) -> Figure:
    """Return a forest of average hazard ratios by population, adjustment and baseline.

    Parameters
    ----------
    compared : DataFrame
        From `inference.sensitivity.adjustments.compare_adjustments`.
    """
    baselines = list(compared["baseline"].unique())
    colours = {name: (POSTERIOR, CYCLE[2], CYCLE[4])[min(place, 2)] for place, name in enumerate(baselines)}
    rows: list[ForestRow] = []
    for population, group in compared.groupby("population", sort=False):
        rows.append(heading(capitalised(POPULATION_NAMES.get(str(population), str(population)))))
        for adjustment, models in group.groupby("adjustment", sort=False):
            for _, row in models.iterrows():
                rows.append(_row(row, str(adjustment), colours, len(baselines) > 1))
    return forest_of_ratios(rows, "Average hazard ratio up to the horizon, treated against control")


def _row(row: pd.Series, adjustment: str, colours: dict[str, str], several: bool) -> ForestRow:
    baseline = str(row["baseline"])
    label = capitalised(words(adjustment))
    if several:
        label += f", {words(baseline).lower() if baseline != 'weibull' else 'Weibull'}"
    first = baseline == next(iter(colours))
    marker, prefix = "o" if first else "D", "marginal_hazard_ratio_"
    return forest_row(row, label, prefix, colour=colours[baseline], marker=marker, filled=first)
