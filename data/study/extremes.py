"""Which column of a cohort holds the most extreme number: where a posterior cannot be computed, it is the first to look at."""

import numpy as np
import pandas as pd

from data.study.cohort import Cohort


def most_extreme(cohort: Cohort) -> str:
    """The column of times or of a continuous covariate whose largest number lies furthest out, with that number, in words.

    Distances are from the median, in interquartile ranges; where half of the numbers are equal, in standard deviations.
    """
    columns = {"the times": cohort.time}
    for name, column in cohort.covariates.items():
        if not isinstance(column.dtype, pd.CategoricalDtype):
            columns[f"column '{name}'"] = column.to_numpy(float)
    distances = {name: _distances(values) for name, values in columns.items()}
    name = max(distances, key=lambda one: distances[one].max())
    row = int(distances[name].argmax())
    return f"{name}: {columns[name][row]:g} of patient {cohort.patient[row]}, where the median is {np.median(columns[name]):g}"


def _distances(values: np.ndarray) -> np.ndarray:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return np.abs(values - middle) / ((high - low) or values.std() or 1.0)
