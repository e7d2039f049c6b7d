"""The calibration card: are posteriors of known truths where they should be, and do intervals hold the truth as often as they say."""

from inference.calibration.card import Card, load_card, run_card
from inference.calibration.digest import source_digest

__all__ = ["Card", "load_card", "run_card", "source_digest"]
