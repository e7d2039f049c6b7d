"""The calibration card: are posteriors of known truths where they should be, and do intervals hold the truth as often as they say."""
