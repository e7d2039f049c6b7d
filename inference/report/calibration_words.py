"""What the calibration card says of the models and samplers behind a page."""

from inference.calibration.card import Card


def calibration_words(card: Card | None) -> str:
    """Return how ranks and coverage came out, and whether they are of this source; empty without a card."""
    if card is None:
        return ""
    ranks, coverage = card.uniformity(), card.coverage_table()
    shares = 100 * coverage["held_95%"] / coverage["cohorts"]
    state = (
        "Models and samplers have not changed since."
        if card.current
        else "Models or samplers have changed since: the card is out of date."
    )
    return (
        f"Calibration, on cohorts simulated from known truths (docs/calibration.md, made at commit {str(card.made_of['commit'])[:10]}): of "
        f"{len(ranks)} tests that ranks are uniform, in {card.made_of['replications']} replications of {ranks['posterior'].nunique()} posteriors, "
        f"the smallest p-value is {ranks['p'].min():.3f}; over {len(coverage)} combinations of truth, model and quantity, 95 % intervals held "
        f"the truth in {shares.min():.0f} to {shares.max():.0f} % of {card.made_of['cohorts']} cohorts. {state}"
    )
