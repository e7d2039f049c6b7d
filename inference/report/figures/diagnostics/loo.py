"""Pareto k-hat of every patient: can leaving one out be approximated, and who is influential."""

import warnings
from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from inference.report.figures.diagnostics.chosen import arviz_style, figure_of, layout, one_design, titled
from inference.report.figures.style import REFERENCE_LINE

CAPTION = (
    "One point a patient: how much the posterior would change without that patient (Pareto k). Above the "
    "dashed line, at 0.7 or, with few draws S, at 1 - 1/log10(S), the leave-one-out score of the patient is unreliable, and the "
    "patient sways the fit."
)


def khat_figure(fit: xr.DataTree, var_names: Sequence[str] | None = None) -> Figure:
    """Return Pareto k-hat by patient, from the log likelihood of the times.

    Parameters
    ----------
    fit : DataTree
        Groups posterior and log_likelihood with ``time``. Of several designs the first is shown, unless the
        log likelihood already holds draws of all.
    var_names : sequence of str, optional
        Not used: leaving out concerns all parameters together.
    """
    shown, note = one_design(fit, ("posterior", "log_likelihood"))
    with arviz_style() as az, warnings.catch_warnings():
        # What the warning says is what the figure shows.
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto", category=UserWarning)
        scores = az.loo(shown, pointwise=True, var_name="time")
        collection = az.plot_khat(
            scores,
            hline_values=[scores.good_k],
            visuals={
                "hlines": {"color": REFERENCE_LINE, "linestyle": "--"},
                "khat": {"size": 8, "alpha": 0.6},
            },
            **layout(3.0),
        )
        figure = figure_of(collection, titled("Influence of single patients", note))
        axes = figure.axes[0]
        axes.set_xlabel("Patient, in the order of the cohort")
        axes.set_ylabel("Pareto k")
        for points in axes.collections:
            points.set_rasterized(len(scores.pareto_k) > 1000)
    return figure
