"""Which baseline predicts left-out patients better: differences in expected log predictive density."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inference.report.figures.forest import ForestRow, forest_figure
from inference.report.figures.style import COMPARATOR, POSTERIOR, WIDTH, style
from inference.report.figures.wording import words, wrapped

CAPTION = (
    "How well each model predicts a patient that was left out, compared with the best one (at 0): "
    "difference in expected log predictive density, lines are one standard error to each side. A "
    "difference below about 4, or within two standard errors, is no reason to prefer a model."
)


@style()
def loo_figure(table: pd.DataFrame) -> Figure:
    """Return the differences in leave-one-out predictive density between models.

    Parameters
    ----------
    table : DataFrame
        From `inference.diagnostics.loo.compare_baselines`: ``baseline``, ``difference`` (0 for the best, else negative)
        and its standard error ``se``.
    """
    rows = []
    for _, row in table.iterrows():
        difference, error = float(row["difference"]), float(row["se"])
        rows.append(
            ForestRow(
                wrapped(words(str(row["baseline"])), 36),
                difference,
                difference - error,
                difference + error,
                colour=COMPARATOR if difference == 0 else POSTERIOR,
                columns=(
                    "best" if difference == 0 else f"{difference:.1f} (SE {error:.1f})".replace("-", "−"),
                ),
            )
        )
    figure = forest_figure(
        rows,
        "Difference in expected log predictive density (higher is better)",
        reference=0.0,
        headers=("Difference",),
        widths=(90,),
        around=0.9,
        width=0.85 * WIDTH,
    )
    figure.axes[0].xaxis.set_major_locator(MaxNLocator(6))
    return figure
