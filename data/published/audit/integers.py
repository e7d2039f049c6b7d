"""Which whole numbers of patients a printed percentage can be of."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.published.printed import Printed


@dataclass(frozen=True)
class Split:
    """Two groups that add up to a printed size, with the patients who had the event in each.

    Attributes
    ----------
    first, first_size, second, second_size : int
    """

    first: int
    first_size: int
    second: int
    second_size: int

    @property
    def risk_ratio(self) -> float | None:
        """Risk in the first over risk in the second; None where it is not finite."""
        return (self.first / self.first_size) / (self.second / self.second_size) if self.second else None

    @property
    def odds_ratio(self) -> float | None:
        """Odds in the first over odds in the second; None where it is not finite."""
        low = (self.first_size - self.first) * self.second
        return self.first * (self.second_size - self.second) / low if low else None

    @property
    def table(self) -> np.ndarray:
        """Patients with and without the event, group by group."""
        return np.array(
            [
                [self.first, self.first_size - self.first],
                [self.second, self.second_size - self.second],
            ]
        )

    def __str__(self) -> str:
        return f"{self.first}/{self.first_size} against {self.second}/{self.second_size}"


def attainable(percent: Printed, size: int) -> tuple[int, ...]:
    """Numbers of patients, of so many, whose percentage is printed so.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> attainable(printed("74.2"), 31), attainable(printed("79"), 35), attainable(printed("50"), 5)
    ((23,), (), ())
    """
    return tuple(count for count in range(size + 1) if size and percent.holds(100 * count / size))


def splits(first: Printed, second: Printed, size: int) -> Iterator[Split]:
    """Yield every division of a number of patients into two groups with the printed percentages.

    Examples
    --------
    >>> from data.published.printed import printed
    >>> [str(one) for one in splits(printed("39.1"), printed("4.5"), 45)]
    ['9/23 against 1/22']
    """
    for first_size in range(1, size):
        for count in attainable(first, first_size):
            for other in attainable(second, size - first_size):
                yield Split(count, first_size, other, size - first_size)
