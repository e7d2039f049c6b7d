"""Loss to follow-up under a published curve: a trial's accrual and its few early losses, or the marks of the figure."""

from dataclasses import dataclass

import numpy as np

from data.published.reconstruction.particles import draw_window, loss_hazard
from data.published.reconstruction.readings import Reading

PIECES = 12  # of constant hazard, where nothing is printed
# Of 386 arms of 193 published curves (kmdata): 8 % were lost in the first fifth of the figure on average.
EVENLY = (1.0, 4.0)  # beta distribution of the share lost evenly by the end of the figure
MARKED = 0.97  # share of the losses that marks show, where there are any
HIDDEN = (1.0, 2.0)  # losses for each mark


@dataclass(frozen=True, eq=False)
class LossShape:
    """Cumulative hazard of loss to follow-up, linear between knots.

    Attributes
    ----------
    knots, reached : ndarray of float (knot,)
        Times from 0 to the end of the figure, and the cumulative hazard there.
    """

    knots: np.ndarray
    reached: np.ndarray

    def at(self, time: np.ndarray) -> np.ndarray:
        """The cumulative hazard at times."""
        return np.interp(time, self.knots, self.reached)


def draw_followups(reading: Reading, size: int, count: int, draws: np.random.Generator) -> np.ndarray:
    """Draw what is not known of the follow-up, as the particle filter takes it (particle, 4)."""
    end, marks = reading.end, len(reading.curve.censor_marks)
    if marks:
        share = np.minimum(marks / size * draws.uniform(*HIDDEN, count), 0.98)
        return np.stack([-np.log1p(-share), np.zeros(count), np.ones(count), np.ones(count)], axis=1)
    found = np.zeros((count, 4))
    found[:, 0] = -np.log1p(-draws.beta(*EVENLY, count)) / end
    for followup in found:
        draw_window(followup, 0.0, end, draws)
    return found


def shape_of(reading: Reading, followup: np.ndarray) -> LossShape:
    """The cumulative hazard of loss of a follow-up as it was drawn (4,)."""
    if len(reading.curve.censor_marks):
        shape = marked_shape(reading)
        return LossShape(shape.knots, followup[0] * shape.reached)
    knots = np.linspace(0.0, reading.end, PIECES + 1)
    return LossShape(knots, np.array([loss_hazard(time, followup) for time in knots]))


def marked_shape(reading: Reading) -> LossShape:
    """Losses at the censor marks, each as wide as two steps of the reading, and a small share of them anywhere; 1 in total."""
    marks, width = reading.curve.censor_marks, reading.curve.time_resolution
    ends = np.concatenate([[0.0, reading.end], marks - width, marks + width])
    edges = np.unique(np.clip(ends, 0.0, reading.end))
    middle, length = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    near = (np.abs(middle[:, None] - marks) <= width).sum(axis=1)
    rate = MARKED * near / (near * length).sum() + (1 - MARKED) / reading.end
    return LossShape(edges, np.concatenate([[0.0], np.cumsum(rate * length)]))
