"""The caption of a figure, which stands in the figure's own file."""

from importlib import import_module


def caption_of(name: str, exposure: str = "") -> str:
    """Return how to read a figure.

    Parameters
    ----------
    name : str
        Of its module in `inference.report.figures`, such as "survival" or "diagnostics.trace".
    exposure : str
        How the posterior counts exposure (naive, time_split, landmark_<time>): some captions add what that changes.
    """
    module = import_module(f"inference.report.figures.{name}")
    kind = exposure if exposure == "time_split" else exposure.split("_")[0]
    return module.CAPTION + getattr(module, "DIFFER", {}).get(kind, "")
