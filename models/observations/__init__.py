"""How what was recorded of a patient came about, by the name that the exposure has in tables and commands."""

from models.observations.ever_never import EverNever
from models.observations.observation import Observation
from models.observations.time_split import TimeSplit

EXPOSURES: dict[str, type[Observation]] = {"naive": EverNever, "time_split": TimeSplit, "landmark": EverNever}

__all__ = ["EXPOSURES", "EverNever", "Observation", "TimeSplit"]
