"""Newton's method for the weighted likelihood of any smooth hazard with treatment alone, for many weight vectors at once."""

import numpy as np

from models.baselines import Baseline
from models.episodes import Episodes

STEPS, HALVINGS = 100, 30
FARTHEST = 2.0  # how far a step may change a coordinate
CLOSE = 1e-6  # a full step so short leaves an error below 1e-10
IMAGINARY, SHIFT = 1e-100, 1e-5  # of derivatives: by complex numbers, and by differences of those
FLAT = 1e-12  # curvature, against the largest, below which a direction counts as flat
ROUNDING = 1e-12
AT_ONCE = 2**16  # numbers in an array that is worked on at once: it stays in the cache


class SmoothLikelihood:
    r"""The weighted log likelihood of a hazard and a constant effect, and its derivatives.

    With :math:`A` the weighted sum of log hazards of events, :math:`B_a` those of cumulative hazards by arm, and :math:`D_1`
    the weighted events of the treated, it is :math:`A + D_1 \theta - B_0 - e^\theta B_1`. Coordinates are the hazard's
    parameters, the logarithm of those that are positive, then :math:`\theta`. First derivatives of the sums are exact: those of
    an analytic function by an imaginary step (Squire and Trapp 1998, doi 10.1137/S003614459631241X).
    """

    def __init__(self, baseline: Baseline, episodes: Episodes) -> None:
        self.coordinates, at = [], 0
        for one in baseline.components:
            length = len(one.labels)
            self.coordinates.append((one.value, slice(at, at + length) if length else at))
            at += max(1, length)
        self.size = at + 1
        self.baseline, self.patient, self.died = baseline, episodes.patient, np.flatnonzero(episodes.event)
        self.arms = np.stack([~episodes.treated, episodes.treated], axis=1).astype(float)
        self.at_risk = baseline.basis(episodes.time, episodes.entry)
        self.at_death = baseline.basis(episodes.time[self.died])

    def start(self) -> np.ndarray:
        """Return the medians of the default priors, and no effect: (1, coordinate)."""
        place = np.zeros((1, self.size))
        for parameter, at in self.coordinates:
            median = parameter.default.frozen.ppf(0.5)
            place[:, at] = np.log(median) if parameter.support == "positive" else median
        return place

    def parameters(self, place: np.ndarray) -> dict[str, np.ndarray]:
        """Return the hazard's parameters and `treatment_effect` (draw, ...) at coordinates (draw, coordinate)."""
        found = {
            parameter.name: np.exp(place[:, at]) if parameter.support == "positive" else place[:, at]
            for parameter, at in self.coordinates
        }
        return {**found, "treatment_effect": place[:, -1]}

    def weights(self, weights: np.ndarray) -> np.ndarray:
        """Return weights of episodes, then of events (draw, episode and event), from those of patients (draw, patient)."""
        return np.concatenate([weights[:, self.patient], weights[:, self.patient[self.died]]], axis=1)

    def sums(self, place: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return A, B_0 and B_1 (draw, 3) at coordinates (draw, coordinate), which may be complex."""
        parameters, count = self.parameters(place), len(self.patient)
        log_hazard = self.baseline.log_hazard(parameters, self.at_death, np)
        cumulative = self.baseline.cumulative_hazard(parameters, self.at_risk, np)
        of_events = (weights[:, count:] * log_hazard).sum(axis=1, keepdims=True)
        return np.concatenate([of_events, (weights[:, :count] * cumulative) @ self.arms], axis=1)

    def events(self, weights: np.ndarray) -> np.ndarray:
        """Return weighted events of controls and treated (draw, arm)."""
        return weights[:, len(self.patient) :] @ self.arms[self.died]

    def value(self, place: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the log likelihood (draw,); minus infinity where it is not finite."""
        hazard, control, own = self.sums(place, weights).T
        found = hazard + self.events(weights)[:, 1] * place[:, -1] - control - np.exp(place[:, -1]) * own
        return np.where(np.isfinite(found), found, -np.inf)

    def derivatives(self, place: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient (draw, coordinate) and matrix of second derivatives (draw, coordinate, coordinate)."""
        count = place.shape[1] - 1
        ratio = np.exp(place[:, -1])
        combined = np.stack([np.ones_like(ratio), -np.ones_like(ratio), -ratio], axis=1)

        def slope(at: np.ndarray, coordinate: int) -> np.ndarray:
            moved = at.astype(complex)
            moved[:, coordinate] += 1j * IMAGINARY
            return self.sums(moved, weights).imag / IMAGINARY

        gradient = np.empty_like(place)
        second = np.empty((*place.shape, count + 1))
        for row in range(count):
            here = slope(place, row)
            gradient[:, row] = (here * combined).sum(axis=1)
            second[:, row, -1] = second[:, -1, row] = -ratio * here[:, 2]
            for column in range(row + 1):
                moved = place.copy()
                moved[:, column] += SHIFT
                there = ((slope(moved, row) - here) * combined).sum(axis=1) / SHIFT
                second[:, row, column] = second[:, column, row] = there
        second[:, -1, -1] = -ratio * self.sums(place, weights)[:, 2]
        gradient[:, -1] = self.events(weights)[:, 1] + second[:, -1, -1]
        return gradient, second


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # where a step is too long, it is halved
def maximise_smooth(baseline: Baseline, episodes: Episodes, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the weighted log likelihood is largest, as `models.maximisers.maximise` describes.

    From the maximum under the mean weights, by Newton steps that are halved until none makes the likelihood smaller. NaN for a
    draw that does not get there: a parameter runs away, as the shape of a Weibull hazard does if all events are at the last time.
    """
    likelihood = SmoothLikelihood(baseline, episodes)
    own = likelihood.weights(weights)
    events = likelihood.events(own)
    inner = np.flatnonzero((events > 0).all(axis=1))
    places = np.full((len(weights), likelihood.size), np.nan)
    if len(inner):
        scaled = own[inner] / events[inner].sum(axis=1, keepdims=True)
        start, arrived = _newton(likelihood, likelihood.start(), scaled.mean(axis=0, keepdims=True))
        start = start if arrived.all() else likelihood.start()
        rows = max(1, AT_ONCE // len(episodes.time))
        for first in range(0, len(inner), rows):
            part = slice(first, first + rows)
            found, arrived = _newton(likelihood, start, scaled[part])
            places[inner[part]] = np.where(arrived[:, None], found, np.nan)
    return likelihood.parameters(places)


def _newton(
    likelihood: SmoothLikelihood, start: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates (draw, coordinate), and whether they are a maximum (draw,)."""
    place = np.repeat(start, len(weights), axis=0)
    best = likelihood.value(place, weights)
    arrived = np.zeros(len(place), dtype=bool)
    for _ in range(STEPS):
        left = np.flatnonzero(~arrived)
        if not len(left):
            break
        at, own = place[left], weights[left]
        gradient, second = likelihood.derivatives(at, own)
        lost = ~(np.isfinite(gradient).all(axis=1) & np.isfinite(second).all(axis=(1, 2)))
        gradient[lost], second[lost] = 0.0, 0.0
        curvature, directions = np.linalg.eigh(-second)
        # Where the likelihood curves upwards, a step still goes up it.
        size = np.maximum(np.abs(curvature), FLAT * np.abs(curvature).max(axis=1, keepdims=True) + 1e-300)
        along = np.einsum("dca,dc->da", directions, gradient) / size
        step = np.einsum("dca,da->dc", directions, along)
        longest = np.abs(step).max(axis=1)
        arrived[left] = (longest <= CLOSE) & (curvature > 0).all(axis=1)
        step /= np.maximum(1.0, longest / FARTHEST)[:, None]
        reached = likelihood.value(at + step, own)
        for _ in range(HALVINGS):
            worse = reached < best[left] - ROUNDING * np.abs(best[left])
            if not worse.any():
                break
            step[worse] /= 2.0
            reached[worse] = likelihood.value(at[worse] + step[worse], own[worse])
        place[left], best[left] = at + step, reached
    return place, arrived
