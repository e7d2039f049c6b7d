"""Digest of the source that a calibration was made from: what it computes, not where it lies or how it is worded."""

from functools import cache

from inference.storage.closure import digest_of, reached
from inference.storage.provenance import ROOT

LAYERS = ("models", "inference")  # of which calibrated posteriors and their samplers are made
BEGIN = ("inference/calibration/ranks.py", "inference/calibration/coverage.py")


@cache
def source_digest() -> str:
    """Return the digest of all functions and classes that the calibration reaches by imports, as `inference.storage.closure` has it."""
    return digest_of(reached([ROOT / name for name in BEGIN], LAYERS))
