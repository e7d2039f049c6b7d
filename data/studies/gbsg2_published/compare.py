"""Draw what not having the patients costs: estimands of gbsg2_published beside those of gbsg2, from the folders of two analyses.

To draw it: ``python data/studies/gbsg2_published/compare.py outputs/gbsg2 outputs/gbsg2_published cost.png``.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

ROWS = {
    "hazard_ratio": ("conditional", "Hazard ratio,\nconditional on covariates"),
    "rmst_difference": ("all", "Time without recurrence gained\nin five years, mean (days)"),
    "survival_difference": ("all", "Recurrence-free survival\nat five years, difference"),
}
NONE = {"hazard_ratio": 1.0, "rmst_difference": 0.0, "survival_difference": 0.0}
PATIENTS, PSEUDO = "#111111", "#0072B2"


def numbers(folder: Path, estimand: str, population: str) -> pd.DataFrame:
    """The rows of an estimand under the default priors and a constant effect, by adjustment and baseline."""
    table = pd.read_csv(folder / "estimands.csv")
    chosen = table[
        (table["estimand"] == estimand)
        & (table["population"] == population)
        & (table["prior_set"] == "default")
        & (table["effect"] == "constant")
        & (table["exposure"] == "naive")
        & table["adjustment"].isin(["none", "joint", "cut"])
    ]
    if estimand == "survival_difference":
        chosen = chosen[chosen["time"] == chosen["time"].max()]
    return chosen.set_index(["adjustment", "baseline"]).sort_index(ascending=False)


def draw(patients: Path, pseudo: Path, picture: Path) -> None:
    """Write the picture: one panel for each estimand, one line for each analysis."""
    figure, panels = plt.subplots(1, len(ROWS), figsize=(9, 2.5), layout="constrained", sharey=True)
    for axes, (estimand, (population, title)) in zip(panels, ROWS.items(), strict=True):
        tables = {
            "patients": (numbers(patients, estimand, population), PATIENTS, 0.16),
            "pseudo-patients": (numbers(pseudo, estimand, population), PSEUDO, -0.16),
        }
        names = [name for name in tables["patients"][0].index if name in tables["pseudo-patients"][0].index]
        for label, (table, colour, shift) in tables.items():
            for row, name in enumerate(names):
                one = table.loc[name]
                axes.hlines(row + shift, one["lower"], one["upper"], color=colour, linewidth=1.5)
                axes.plot(
                    one["median"],
                    row + shift,
                    "o",
                    color=colour,
                    markersize=4,
                    label=label if row == 0 else None,
                )
        axes.axvline(NONE[estimand], color="#777777", linewidth=0.6)
        axes.set_yticks(range(len(names)), [f"{one},\n{other.replace('_', ' ')}" for one, other in names])
        axes.set_title(title, fontsize=8.5, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
    handles, labels = panels[-1].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named, frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:4]))
