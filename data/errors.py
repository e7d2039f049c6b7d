"""What goes wrong with an input, as one readable message."""


class InputError(ValueError):
    """An input is wrong; the message names the file, the place and the mend."""


class NotEstimableError(InputError):
    """A fit asks for what its patients cannot tell: an analysis of several fits goes on without it and states why."""


class CohortWarning(UserWarning):
    """A cohort can be analysed, but a reader of the results should know this about it."""


class NowhereFiniteError(InputError):
    """A posterior that is infinite or undefined near the centre of its priors: numbers of the cohort or of a prior are extreme."""

    def __init__(
        self,
        message: str = "the posterior must be finite somewhere near the centre of its priors, but was found infinite or undefined "
        "there; look at priors with extreme numbers, and at the units of times and covariates",
    ) -> None:
        super().__init__(message)
