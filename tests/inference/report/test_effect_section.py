"""The section on effects that change: two subgroups that were picked afterwards are said to be."""

import pandas as pd
import pytest

from inference.report.sections.effects import effect_section
from inference.sensitivity.by_subgroup import EffectBySubgroup


def of_levels(count):
    """An effect in so many levels of one covariate, after the average patient."""
    rows = [
        {
            "subgroup": f"site={level}" if level else "",
            "covariate": "site" if level else "",
            "level": str(level) if level else "",
            "patients": 100.0,
            "hazard_ratio": 0.5 + 0.1 * level,
            "lower": 0.4,
            "upper": 0.9,
            "probability_of_benefit": 0.9,
            "alone": 0.6,
            "alone_lower": 0.3,
            "alone_upper": 1.1,
            "median_treated": float("nan"),
            "median_control": float("nan"),
        }
        for level in range(count + 1)
    ]
    return EffectBySubgroup(table=pd.DataFrame(rows), apart=0.97, spread=())


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_lowest_and_the_highest_of_several_were_picked_after_the_fact(count):
    (said,) = effect_section(None, of_levels(count), ()).paragraphs
    assert ("picked after the fact" in said) == (count > 2)
    assert (f"the lowest and the highest of {count}" in said) == (count > 2)
