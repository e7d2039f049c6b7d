"""The survival curves of a fit in a notebook."""

import json

import xarray as xr
from matplotlib.figure import Figure

from data.study.cohort import Cohort
from inference.report.figures.survival import survival_figure
from inference.report.observed_arms import arm_curves, followed_by_arm


def plot(cohort: Cohort, posterior: xr.DataTree) -> Figure:
    """Return survival had all been treated, and had none been (median, 95 % interval), over the Kaplan-Meier curves of the arms.

    Parameters
    ----------
    cohort : Cohort
        The patients that were fitted.
    posterior : DataTree
        From `inference.fit`.
    """
    exposure = json.loads(posterior.attrs["provenance"])["model"]["exposure"]
    curves = posterior["curves"].to_dataset()
    population = str(curves["population"].to_numpy()[0])
    return survival_figure(
        curves, arm_curves([cohort], exposure), followed_by_arm([cohort], exposure), population
    )
