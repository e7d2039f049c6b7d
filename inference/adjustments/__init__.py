"""Adjustments for confounding by name."""

from inference.adjustments.adjusted import AdjustedSample, Adjustment, Problem, Progress
from inference.adjustments.cut import CUT
from inference.adjustments.iptw import IPTW
from inference.adjustments.joint import JOINT
from inference.adjustments.matched import MATCHED
from inference.adjustments.none import NONE
from inference.adjustments.overlap import OVERLAP

ADJUSTMENTS: dict[str, Adjustment] = {
    adjustment.name: adjustment for adjustment in (NONE, JOINT, CUT, IPTW, OVERLAP, MATCHED)
}

__all__ = ["ADJUSTMENTS", "AdjustedSample", "Adjustment", "Problem", "Progress"]
