"""Speed and accuracy, as ratios, in one run."""

from __future__ import annotations

from cyclopts import App

from scripts.console import DONE, start

app = App(name="benchmark")


@app.default
def benchmark() -> int:
    """Measure."""
    return DONE


if __name__ == "__main__":
    start(app)
