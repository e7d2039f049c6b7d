"""How alike the arms are in their chance of treatment: propensities, mirrored, with the common range."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from inference.frequentist.balance import (
    effective_sample_size,
    iptw_weights,
    overlap_weights,
    share_outside_common_range,
)
from inference.report.figures.style import ARM_COLOURS, SMALL, canvas, narrow, quiet, style
from inference.report.figures.wording import wrapped

CAPTION = (
    "How many patients of each arm had which estimated chance of treatment, given their covariates; "
    "treated above, control below. Only where both arms have patients does the cohort itself compare "
    "them; outside the shaded common range the answer rests on the model. Effective sample sizes say how "
    "many patients a weighted analysis has left."
)


@style()
def overlap_figure(
    propensity: ArrayLike,
    treatment: ArrayLike,
    treated_label: str = "Treated",
    control_label: str = "Control",
    bins: int = 40,
) -> Figure:
    """Return mirrored histograms of the propensity by arm, the common range, and effective sample sizes.

    Parameters
    ----------
    propensity : (patient,) array
        Probability of treatment (a posterior mean).
    treatment : (patient,) array of bool
        True for the treated.
    treated_label, control_label : str
    bins : int
        Bars between 0 and 1.
    """
    # A probability that rounds to 0 or 1 has no weight; the nearest one that has is drawn.
    propensity = np.clip(np.asarray(propensity, dtype=float), 1e-9, 1 - 1e-9)
    treatment = np.asarray(treatment, dtype=bool)
    shares = share_outside_common_range(propensity, treatment)
    figure = canvas(3.7)
    axes = figure.subplots()
    edges = np.linspace(0, 1, bins + 1)
    tallest = 1
    for arm, inside, sign in (("treated", treatment, 1), ("control", ~treatment, -1)):
        counts, _ = np.histogram(propensity[inside], bins=edges)
        axes.stairs(sign * counts, edges, fill=True, color=ARM_COLOURS[arm], alpha=0.6)
        tallest = max(tallest, int(counts.max()))
    if shares["lower"] < shares["upper"]:
        axes.axvspan(shares["lower"], shares["upper"], color="#000000", alpha=0.05, linewidth=0, zorder=0)
        axes.text(
            (shares["lower"] + shares["upper"]) / 2,
            0.98,
            "common range",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=SMALL,
            color="#555555",
        )
    axes.axhline(0, color="#555555", linewidth=0.6)
    axes.set_xlim(0, 1)
    axes.set_ylim(-1.1 * tallest, 1.25 * tallest)
    axes.yaxis.set_major_formatter(FuncFormatter(_count))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylabel("Patients")
    axes.set_xlabel("Probability of treatment, given the covariates")
    quiet(axes)
    weighted = {
        "inverse-probability": iptw_weights(propensity, treatment),
        "overlap": overlap_weights(propensity, treatment),
    }
    lift = 4.0
    for arm, inside, label in (("control", ~treatment, control_label), ("treated", treatment, treated_label)):
        sizes = ", ".join(
            f"{float(effective_sample_size(weights[inside])):.0f} with {name} weights"
            for name, weights in weighted.items()
        )
        outside = round(float(shares[arm]) * inside.sum())
        text = wrapped(
            f"{label}: {inside.sum()} patients, {outside} outside the common range; "
            f"effective sample size {sizes}",
            44 if narrow() else 88,
        )
        axes.annotate(
            text,
            (0.0, 1.0),
            xycoords="axes fraction",
            xytext=(0, lift),
            textcoords="offset points",
            color=ARM_COLOURS[arm],
            fontsize=SMALL,
            va="bottom",
            annotation_clip=False,
        )
        lift += 4 + 10 * (text.count("\n") + 1)
    return figure


def _count(height: float, _: int) -> str:
    return f"{abs(height):g}"
