"""Are the leave-one-out probabilities of the patients' times uniform, as they are under a model that describes them."""

import numpy as np
import xarray as xr

from inference.diagnostics.checks.convergence import KHAT
from inference.diagnostics.checks.result import CheckResult, at_least
from inference.diagnostics.loo_pit import uniformity

FAMILY, SUBJECT = "predictive", "LOO-PIT"
NAME = f"{FAMILY}: {SUBJECT}"
DOUBTFUL = 0.05


def loo_pit_checks(predicted: xr.Dataset, event: np.ndarray, pareto_k: np.ndarray) -> list[CheckResult]:
    """Return the check of uniform leave-one-out probabilities; none where patients were not left out.

    A small p value warns and does not fail: times that one baseline describes poorly can leave the effect as it is, which
    the other baseline says.

    Parameters
    ----------
    predicted : Dataset
        With `pit` (imputation, patient), where patients were left out.
    event : ndarray of bool (patient,)
    pareto_k : ndarray (patient,)
        Tail index of each patient's weights.
    """
    if "pit" not in predicted:
        return []
    pit = predicted["pit"].to_numpy()
    p, each = uniformity(pit)
    if np.isnan(p):
        return [
            CheckResult(
                FAMILY, SUBJECT, "warn", p, DOUBTFUL, "leave-one-out probabilities cannot be computed"
            )
        ]
    text = "p value of uniform leave-one-out probabilities"
    censored = int((~event).sum())
    if censored:
        text += (
            f"; censored times: {censored} of {len(event)}, imputed {len(pit)} times with p values of "
            f"{each.min():.2g} to {each.max():.2g}"
        )
    unreliable = int((pareto_k > KHAT).sum())
    if unreliable:
        text += f"; patients whose weights cannot be relied on (k-hat above {KHAT}): {unreliable}"
    return [at_least(FAMILY, SUBJECT, p, DOUBTFUL, text, otherwise="warn")]
