"""Adjustments for confounding by name: each takes a question and returns samples."""

from collections.abc import Callable

from inference.adjustments.adjusted import AdjustedSample, Progress, Question
from inference.adjustments.cut import sample_cut
from inference.adjustments.joint import sample_joint
from inference.adjustments.none import sample_none
from models.specification import Score

SCORES: dict[str, Score] = {"none": "absent", "joint": "latent", "cut": "given"}
"""The part of the propensity score in the outcome model of each adjustment."""

ADJUSTMENTS: dict[str, Callable[[Question, Progress], AdjustedSample]] = {
    "none": sample_none,
    "joint": sample_joint,
    "cut": sample_cut,
}
