"""The calibration card: ranks and coverage over simulated cohorts, written to docs/."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, progress_bar, start
from scripts.options import SEED, Count

app = App(name="calibrate")


@app.default
def calibrate(
    *,
    replications: Annotated[Count, Parameter(help="Of each posterior [100].")] = None,
    cohorts: Annotated[Count, Parameter(help="Of each model in each scenario [100].")] = None,
    seed: Annotated[int, Parameter(help="Of cohorts and draws.")] = SEED,
    out: Annotated[Path, Parameter(help="Where to write the card, its page and its figures.")] = Path("docs"),
    quiet: Annotated[bool, Parameter(help="No progress and no summary.", negative="")] = False,
) -> int:
    """Check posteriors and intervals against known truths: up to 90 minutes on two cores."""
    from inference.calibration.card import card_text, run_card
    from inference.calibration.figures import coverage_figure, rank_figure
    from inference.calibration.page import page_text
    from inference.report.figures.rendering import svg_text
    from inference.storage.atomic import write_text

    shown = console(quiet)
    with progress_bar(shown, "calibrating") as progress:
        card = run_card(replications or 100, cohorts or 100, seed, progress)
    write_text(out / "calibration.json", card_text(card))
    write_text(out / "calibration.md", page_text(card))
    write_text(out / "calibration_ranks.svg", svg_text(rank_figure(card), "calibration-ranks"))
    write_text(out / "calibration_coverage.svg", svg_text(coverage_figure(card), "calibration-coverage"))
    smallest = card.uniformity()["p"].min()
    shown.print(
        f"smallest p-value of {len(card.uniformity())} ranks: {smallest:.4f}\nWritten: {out}", soft_wrap=True
    )
    return DONE


if __name__ == "__main__":
    start(app)
