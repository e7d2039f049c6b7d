"""The hazard of both arms over time, and their ratio."""

import math

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import (
    ARM_COLOURS,
    BAND_ALPHA,
    DASHED,
    MARGINAL,
    REFERENCE_LINE,
    SMALL,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.survival import label_at_right
from inference.report.figures.wording import POPULATION_NAMES, time_label

CAPTION = (
    "Above, how fast events come in each arm at each time among those still at risk (posterior median and "
    "95 % interval). Below, the ratio of the hazards of the standardised curves on a log scale: below the "
    "dashed line at 1 the treated fare better; a ratio that drifts under a constant effect is the "
    "selection of survivors, not a change of the effect."
)


@style()
def hazard_figure(curves: xr.Dataset, population: str = "all") -> Figure:
    """Return the hazard by arm and the hazard ratio over time.

    Parameters
    ----------
    curves : Dataset
        ``hazard`` (quantile, arm, time), with a population or without, per time unit; ``hazard_ratio``
        (quantile, population, time); quantiles 0.025, 0.5 and 0.975; attributes ``time_unit, treated_label,
        control_label``.
    population : str
        Over whose covariates the ratio is standardised.
    """
    unit, times = str(curves.attrs["time_unit"]), curves["time"].to_numpy()
    figure = canvas(4.8)
    upper, lower = figure.subplots(2, 1, sharex=True)
    hazard = curves["hazard"]
    whom, standardised = POPULATION_NAMES.get(population, population), "population" in hazard.dims
    if standardised:
        hazard = hazard.sel(population=population)
    scale = _round_scale(float(np.nanmax(np.where(np.isfinite(hazard), hazard, np.nan))))
    arms = [arm for arm in ("treated", "control") if arm in curves["arm"].to_numpy()]
    ends = []
    for arm in arms:
        low, middle, high = (scale * hazard.sel(arm=arm, quantile=q).to_numpy() for q in (0.025, 0.5, 0.975))
        upper.fill_between(times, low, high, color=ARM_COLOURS[arm], alpha=BAND_ALPHA, linewidth=0)
        upper.plot(times, middle, color=ARM_COLOURS[arm])
        ends.append(float(middle[-1]))
    upper.set_ylim(0, None)
    upper.set_ylabel(f"Events per {scale:,} {unit} at risk" if scale > 1 else f"Hazard (unit: {unit})")
    labels = [str(curves.attrs[f"{arm}_label"]) for arm in arms]
    label_at_right(upper, ends, labels, [ARM_COLOURS[arm] for arm in arms], line=0.075)
    upper.set_title(f"Hazard, standardised to {whom}" if standardised else "Hazard")

    ratio = curves["hazard_ratio"].sel(population=population)
    low, middle, high = (ratio.sel(quantile=q).to_numpy() for q in (0.025, 0.5, 0.975))
    lower.fill_between(times, low, high, color=MARGINAL, alpha=BAND_ALPHA, linewidth=0)
    lower.plot(times, middle, color=MARGINAL)
    lower.axhline(1, **DASHED)
    finite = np.concatenate([low, middle, high])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    bottom = max(min(0.9, float(finite.min(initial=1.0)) / 1.1), 0.05)
    top = min(max(1.2, float(finite.max(initial=1.0)) * 1.1), 20.0)
    ratio_axis(lower, "y", bottom, top)
    lower.set_ylim(bottom, top)
    lower.set_xlim(0, float(times.max()))
    lower.set_ylabel("Hazard ratio")
    lower.set_xlabel(time_label(unit))
    lower.set_title(f"Hazard ratio, standardised to {whom}")
    inside = {"xytext": (-2, 3), "ha": "right"} if narrow() else {"xytext": (5, 0), "va": "center"}
    lower.annotate(
        "treated fare better below 1",
        (1.0, 1.0),
        xycoords=lower.get_yaxis_transform(),
        textcoords="offset points",
        fontsize=SMALL,
        color=REFERENCE_LINE,
        annotation_clip=False,
        **inside,
    )
    for axes in (upper, lower):
        quiet(axes)
    upper.tick_params(labelbottom=True)
    return figure


def _round_scale(largest: float) -> int:
    """Return the power of ten that brings a hazard to at least 1."""
    if not largest > 0:
        return 1
    return 10 ** max(0, math.ceil(-math.log10(largest)))
