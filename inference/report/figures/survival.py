"""Survival by arm: the standardised posterior curves with the cohort's Kaplan-Meier steps on top."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.frequentist.survival import KaplanMeier
from inference.report.figures.axes import at_right, survival_axis
from inference.report.figures.risk_table import Followed, risk_table, time_ticks
from inference.report.figures.style import (
    ARM_COLOURS,
    BAND_ALPHA,
    SMALL,
    WHOLE_ALPHA,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import POPULATION_NAMES, capitalised, time_label, wrapped

BANDS = (
    " The dark band is the 95 % interval at each time; the light one is simultaneous: with probability 95 % the whole curve lies inside it "
    "(sup-t band: Montiel Olea and Plagborg-Møller 2019, doi 10.1002/jae.2656)."
)
OF_COUNTS = (
    "Posterior survival had everybody in the population been treated, or nobody (median, adjusted for the covariates)."
    + BANDS
    + " A "
    "line is dashed beyond the last follow-up of its arm: there the model extrapolates. A table of counts holds no times of single patients "
    "for Kaplan-Meier steps; numbers below are those of its intervals, at risk after each cut point."
)
CAPTION = (
    "Smooth lines are posterior survival had everybody in the population been treated, or nobody (median, adjusted for the covariates)."
    + BANDS
    + " Steps are the Kaplan-Meier curves of the two arms "
    "as they were observed (95 % intervals dotted, not adjusted). A smooth line is dashed beyond the last follow-up of its arm: "
    "there the model extrapolates."
)
DIFFER = {
    "naive": " Where steps and smooth lines differ, the arms differ in their covariates, or the model does not fit: the predictive figure "
    "helps to tell which.",
    "time_split": " Smooth lines are of treatment from time zero on, which nobody need have had. Steps count everybody as untreated until "
    "treatment begins, and as treated from then on (Simon and Makuch 1984, doi 10.1002/sim.4780030106): early on few are at risk in the "
    "treated arm, where its steps are rough, or left out where nobody is. Where steps and smooth lines differ otherwise, the arms differ in "
    "their covariates, or the model does not fit.",
    "landmark": " Smooth lines and steps are of those still followed at the landmark, in the arms that they were in then. Where they differ, "
    "the arms differ in their covariates, or the model does not fit.",
}
"""Why steps and smooth lines differ, by how exposure is counted."""

KEY_WIDTH, KEY_HEIGHT = 0.6, 0.2
"""Room that the key takes of the axes."""


@style()
def survival_figure(
    curves: xr.Dataset,
    kaplan_meier: Mapping[str, KaplanMeier],
    followed: Mapping[str, Followed],
    population: str = "all",
    outcome: str = "survival",
    columns: Sequence[float] = (),
) -> Figure:
    """Return survival by arm: posterior median with its bands, Kaplan-Meier steps, numbers at risk.

    Parameters
    ----------
    curves : Dataset
        ``survival`` (quantile, population, arm, time) with quantiles 0.025, 0.5 and 0.975; ``survival_band`` (limit, population, arm,
        time); attributes ``time_unit, treated_label, control_label``.
    kaplan_meier : mapping of str to KaplanMeier
        By arm ("treated", "control"), at every time at which the curve may step.
    followed : mapping of str to Followed
        By arm, for the table beneath.
    population : str
        Over whose covariates the curves are standardised.
    outcome : str
        What is survived.
    columns : sequence of float
        Times of the table, where it is known at those alone.
    """
    labels = {arm: str(curves.attrs[f"{arm}_label"]) for arm in ("treated", "control")}
    arms = [arm for arm in labels if arm in curves["arm"].to_numpy()]
    figure = canvas(3.7 if narrow() else 5.0)
    if followed:
        main, risk = figure.subplots(2, 1, sharex=True, height_ratios=[2.2 if narrow() else 2.9, 1])
    else:
        main, risk = figure.subplots(), None
    selected = curves["survival"].sel(population=population)
    times = curves["time"].to_numpy()
    for arm in arms:
        colour = ARM_COLOURS[arm]
        lower, middle, upper = (selected.sel(arm=arm, quantile=q).to_numpy() for q in (0.025, 0.5, 0.975))
        whole = curves["survival_band"].sel(population=population, arm=arm).to_numpy()
        main.fill_between(times, *whole, color=colour, alpha=WHOLE_ALPHA, linewidth=0)
        main.fill_between(times, lower, upper, color=colour, alpha=BAND_ALPHA, linewidth=0)
        seen = times <= curves.attrs.get(f"{arm}_end", np.inf)
        main.plot(times[seen], middle[seen], color=colour, linewidth=1.8, label=labels[arm])
        if not seen.all():
            beyond = ~np.append(seen[1:], False)  # joined to what is followed
            main.plot(times[beyond], middle[beyond], color=colour, linewidth=1.2, linestyle=(0, (3, 2)))
        if arm in kaplan_meier and not kaplan_meier[arm].problem:
            _draw_kaplan_meier(main, kaplan_meier[arm], colour)
    follow_up = [curve.follow_up for curve in kaplan_meier.values() if np.isfinite(curve.follow_up)]
    end = max([float(times.max()), *follow_up])
    main.set_xlim(0, end)
    survival_axis(main)
    main.set_ylabel(capitalised(outcome))
    main.set_title(f"Standardised to {POPULATION_NAMES.get(population, population)}")
    quiet(main)
    ends = [float(selected.sel(arm=arm, quantile=0.5).to_numpy()[-1]) for arm in arms]
    key = "smooth: adjusted model; 95 % bands at\neach time (dark), of the whole curve (light)"
    if kaplan_meier:
        key += "\nsteps: Kaplan-Meier, not adjusted, 95 % dotted"
    # below the curves, or above where they fall that low within the width of the text
    low = float(selected.sel(quantile=0.025, time=slice(0.0, KEY_WIDTH * end)).min()) < KEY_HEIGHT
    place: dict[str, Any] = (
        {"x": 0.98, "y": 0.98, "ha": "right", "va": "top"} if low else {"x": 0.02, "y": 0.03}
    )
    size = 0.8 * SMALL if narrow() else SMALL
    main.text(s=key, transform=main.transAxes, fontsize=size, color="#555555", **place)
    if not narrow() or risk is None:  # the table below has the same colours
        label_at_right(main, ends, [labels[arm] for arm in arms], [ARM_COLOURS[arm] for arm in arms])
    ticks = time_ticks(main, end, 4 if narrow() else 7, columns)
    main.tick_params(labelbottom=True)
    main.set_xlabel(time_label(curves.attrs["time_unit"]))
    if risk is not None:
        risk_table(risk, followed, labels, ticks)
    return figure


def _draw_kaplan_meier(axes: Axes, curve: KaplanMeier, colour: str) -> None:
    axes.step(curve.times, curve.survival, where="post", color=colour, linewidth=0.9, alpha=0.95)
    for band in (curve.lower, curve.upper):
        axes.step(curve.times, band, where="post", color=colour, linewidth=0.6, linestyle=(0, (1, 1.6)))


def label_at_right(
    axes: Axes, heights: Sequence[float], labels: Sequence[str], colours: Sequence[str], line: float = 0.045
) -> None:
    """Print labels beside the right ends of curves, moved apart where they would overlap.

    Parameters
    ----------
    axes : Axes
        Its limits are final.
    heights : sequence of float
        Where the curves end.
    labels, colours : sequence of str
    line : float
        Height of a line of text, as a share of the axes.
    """
    low, high = axes.get_ylim()
    texts = [wrapped(label, 18) for label in labels]
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    lines = [texts[place].count("\n") + 1 for place in order]
    placed = np.clip(np.asarray(heights, dtype=float)[order], low, high)
    gaps = [0.5 * line * (above + below) * (high - low) for below, above in pairwise(lines)]
    for place, gap in enumerate(gaps):
        short = gap - (placed[place + 1] - placed[place])
        if short > 0:
            placed[place] -= short / 2
            placed[place + 1 :] += short / 2
    for place, height in zip(order, placed, strict=True):
        at_right(axes, height, texts[place], 5, color=colours[place], fontsize=SMALL)
