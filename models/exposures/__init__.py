"""How what was recorded of a patient came about, by the name that the exposure has in tables and commands."""

from models.exposures.exposure import Exposure
from models.exposures.naive import Naive
from models.exposures.time_split import TimeSplit

EXPOSURES: dict[str, type[Exposure]] = {"naive": Naive, "time_split": TimeSplit, "landmark": Naive}

__all__ = ["EXPOSURES", "Exposure", "Naive", "TimeSplit"]
