"""The section beside the printed analysis: its sentence has every printed ratio, and one row is of the main model."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from inference.report.sections.published import beside_section


def made(published):
    """Results with one Cox model and two posteriors, the second of the main model."""
    cox = {"statistic": "hazard_ratio", "method": "Cox, matched; mean", "published": published}
    numbers = [(0.44, 0.30, 0.60), (0.46, 0.35, 0.61)]
    posterior = [
        {"baseline": "weibull", "adjustment": adjustment, "median": middle, "lower": low, "upper": high}
        for adjustment, (middle, low, high) in zip(("none", "cut"), numbers, strict=True)
    ]
    request = SimpleNamespace(
        baseline="weibull", adjustment="cut", effect="constant", priors=SimpleNamespace(name="default")
    )
    return SimpleNamespace(
        comparators=pd.DataFrame([{**cox, "estimate": 0.47, "lower": 0.35, "upper": 0.63}]),
        estimands=pd.DataFrame(posterior).assign(
            estimand="hazard_ratio", population="conditional", prior_set="default", effect="constant"
        ),
        main=SimpleNamespace(request=request),
    )


def test_every_printed_ratio_stands_beside_the_recomputed_one_and_the_posterior():
    section = beside_section(made(0.485), [])
    for number in ("0.485", "0.47 (0.35 to 0.63)", "0.46 (0.35 to 0.61)"):
        assert number in section.finding
    assert "0.44" not in section.finding
    (table,) = section.tables
    assert [row.kind for row in table.rows] == ["", "", "main"]


def test_without_a_printed_ratio_the_posterior_stands_alone():
    finding = beside_section(made(np.nan), []).finding
    assert "0.46 (0.35 to 0.61)" in finding
    assert "0.47" not in finding
