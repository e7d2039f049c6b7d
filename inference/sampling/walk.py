r"""Coordinates in which a hazard's random walk hardly depends on the standard deviation of its steps.

Events e determine the log hazard of each interval with variance 1 / e, so that the steps s between intervals have the information
matrix :math:`P = L^T (E - e e^T / 1^T e) L`, E = diag(e), L the running sum, their mean level taken out. A priori steps are
independent with standard deviation sigma, in any rotation; in that which makes P diagonal, :math:`U^T P U = diag(I)`, they
are independent a posteriori too, with

.. math:: v_j = 1 / (1 / \sigma^2 + I_j), \qquad m_j = v_j I_j y_j

y being the maximum likelihood estimate of U's. The sampler moves in (U's - m) / sqrt(v), and in the mean of the log hazards,
weighted by events, in place of the first: not centred where there are no events, centred where there are many (Papaspiliopoulos,
Roberts and Sköld 2007, doi 10.1214/088342307000000014). Covariates and treatment are ignored, which makes these
coordinates less than perfect, and no draw wrong: the density is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.study.cohort import Cohort
from models.arrays import matrix_vector, running_sum
from models.baselines import PiecewiseExponential

DIRECTIONS, INFORMATION, ESTIMATE, SHARES = (
    "walk_directions",
    "walk_information",
    "walk_estimate",
    "walk_shares",
)
UNINFORMED = 1e-8  # events: an eigenvalue below counts as no information


@dataclass(frozen=True, eq=False)
class Walk:
    """The map from coordinates of a walk to its level and steps, in a flat vector of parameters."""

    # positions of the first log hazard and of the log of sigma
    level: int
    step_sd: int
    steps: slice  # positions of the steps
    # U (step, step), I (step,), y (step,), and the share of the events that come after each step (step,)
    arrays: dict[str, np.ndarray]

    def natural(self, flat: Any, arrays: Mapping[str, Any], xp: Any) -> tuple[Any, Any, Any]:
        """Return level (...), steps (..., step) and the log of the Jacobian (...) at flat vectors (..., size).

        Parameters
        ----------
        flat : array (..., size)
        arrays : mapping of str to array
            `arrays`, or the data that stand for them in a model.
        xp : module
            numpy or pytensor.tensor.
        """
        variance = xp.exp(2.0 * flat[..., self.step_sd])[..., None]
        given = variance / (1.0 + arrays[INFORMATION] * variance)
        turned = given * arrays[INFORMATION] * arrays[ESTIMATE] + xp.sqrt(given) * flat[..., self.steps]
        steps = matrix_vector(arrays[DIRECTIONS], turned, xp)
        level = flat[..., self.level] - (arrays[SHARES] * steps).sum(axis=-1)
        return level, steps, 0.5 * xp.log(given).sum(axis=-1)

    def apply(self, flat: np.ndarray) -> np.ndarray:
        """Return natural parameters, for flat vectors (..., size)."""
        natural = flat.copy()
        natural[..., self.level], natural[..., self.steps], _ = self.natural(flat, self.arrays, np)
        return natural


def walk_arrays(cohort: Cohort, baseline: PiecewiseExponential) -> dict[str, np.ndarray]:
    """Return the information of a cohort's events on the steps of its hazard: the arrays of a `Walk`."""
    steps = len(baseline.cutpoints)
    basis = baseline.basis(cohort.time, cohort.entry)
    events = np.bincount(basis["last_interval"][cohort.event], minlength=steps + 1).astype(float)
    exposure = basis["exposure"].sum(axis=0)
    log_hazard = np.log(np.where(events > 0, events, 1.0) / np.where(exposure > 0, exposure, 1.0))
    total = max(float(events.sum()), 1.0)
    climbs = running_sum(np.eye(steps), steps, np).T
    of_hazards = climbs.T @ (np.diag(events) - np.outer(events, events) / total)
    information, directions = np.linalg.eigh(of_hazards @ climbs)
    informed = information > UNINFORMED
    estimate = directions.T @ (of_hazards @ log_hazard) / np.where(informed, information, 1.0)
    return {
        DIRECTIONS: directions,
        INFORMATION: np.where(informed, information, 0.0),
        ESTIMATE: np.where(informed, estimate, 0.0),
        SHARES: climbs.T @ events / total,
    }
