"""Adjustments for confounding by name."""

from inference.adjustments.adjusted import AdjustedSample, Adjustment, Progress, Question
from inference.adjustments.cut import CUT
from inference.adjustments.joint import JOINT
from inference.adjustments.none import NONE

ADJUSTMENTS: dict[str, Adjustment] = {adjustment.name: adjustment for adjustment in (NONE, JOINT, CUT)}

__all__ = ["ADJUSTMENTS", "AdjustedSample", "Adjustment", "Progress", "Question"]
