"""Does the share of the treated follow the fitted probability of treatment."""

import numpy as np
import xarray as xr

from inference.diagnostics.checks.result import CheckResult, at_least

FAMILY, SUBJECT = "overlap", "calibration of the treatment model"
NAME = f"{FAMILY}: {SUBJECT}"
DOUBTFUL = 0.05


def treatment_calibration_checks(calibration: xr.Dataset) -> list[CheckResult]:
    """Return the check of the treatment model's calibration; none where it was not looked at.

    Parameters
    ----------
    calibration : Dataset
        From `inference.diagnostics.treatment_calibration`.
    """
    if "miscalibration" not in calibration:
        return []
    observed = float(calibration["miscalibration"])
    replicated = calibration["replicated_miscalibration"].to_numpy()
    p = (1.0 + np.sum(replicated >= observed)) / (1.0 + len(replicated))
    outside = (calibration["share"] < calibration["lower"]) | (calibration["share"] > calibration["upper"])
    inside_range = calibration["share"].notnull()
    share = float(outside.sum() / inside_range.sum()) if inside_range.any() else 0.0
    text = (
        f"probability that treatments which follow the model are as far from it: miscalibration {observed:.2g}, of "
        f"replicates {np.median(replicated):.2g} (median); {100 * share:.0f} % of the range of propensities outside the 95 % band"
    )
    return [at_least(FAMILY, SUBJECT, p, DOUBTFUL, text, otherwise="warn")]
