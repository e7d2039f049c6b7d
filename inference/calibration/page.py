"""The calibration card as a page of Markdown beside its two figures."""

import pandas as pd

from inference.calibration.card import Card


def page_text(card: Card) -> str:
    """Return the page: what was run, the smallest p-values, and the coverage of every cell."""
    made, uniform, coverage = card.made_of, card.uniformity(), card.coverage_table()
    smallest = uniform.loc[uniform.groupby("posterior", sort=False)["p"].idxmin()]
    counts = uniform.groupby("posterior", sort=False).size()
    ranks = pd.DataFrame(
        {
            "posterior": smallest["posterior"],
            "quantities": counts[smallest["posterior"]].to_numpy(),
            "smallest p": smallest["p"].map("{:.3f}".format),
            "of": smallest["parameter"],
        }
    )
    shares = {
        "95 % intervals": _share(coverage, "95%"),
        "50 % intervals": _share(coverage, "50%"),
        "bias, posterior sd": coverage["bias"].map("{:+.2f}".format),
        "posterior sd / sd of estimates": coverage["sd_ratio"].map("{:.2f}".format),
    }
    names = coverage[["scenario", "baseline", "adjustment", "estimand"]]
    return "\n".join(
        [
            "# Calibration",
            "",
            f"Made by `make calibrate` from commit {str(made['commit'])[:10]}, seed {made['seed']}. "
            f"The digest of the source that it is of: `{str(made['digest'])[:16]}`; a test says when the source has changed.",
            "",
            "## Ranks",
            "",
            f"Simulation-based calibration, {made['replications']} replications of each posterior: parameters are drawn from their "
            "prior, patients from the parameters by formulas that the models do not share, and the rank of each parameter among the "
            f"draws of its posterior must be uniform. Of {len(uniform)} p-values the smallest is {uniform['p'].min():.3f}; "
            f"by chance the smallest of so many independent ones is below {1 - 0.5 ** (1 / len(uniform)):.4f} in half of all runs.",
            "",
            "![Ranks](calibration_ranks.svg)",
            "",
            _markdown(ranks),
            "",
            "## Coverage",
            "",
            f"{made['cohorts']} cohorts of each scenario, default priors. In brackets the 95 % limits of each share.",
            "",
            "![Coverage](calibration_coverage.svg)",
            "",
            _markdown(names.assign(**shares)),
            "",
        ]
    )


def _share(table: pd.DataFrame, level: str) -> pd.Series:
    held = table[f"held_{level}"] / table["cohorts"]
    return pd.Series(
        [
            f"{share:.0%} ({lower:.0%} to {upper:.0%})"
            for share, lower, upper in zip(
                held, table[f"lower_{level}"], table[f"upper_{level}"], strict=True
            )
        ],
        index=table.index,
    )


def _markdown(table: pd.DataFrame) -> str:
    head = f"| {' | '.join(table.columns)} |\n|{' --- |' * len(table.columns)}"
    return "\n".join([head, *(f"| {' | '.join(map(str, row))} |" for row in table.itertuples(index=False))])
