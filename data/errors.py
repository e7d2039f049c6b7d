"""What goes wrong with an input, as one readable message."""


class InputError(ValueError):
    """An input is wrong; the message names the file, the place and the mend."""


class NotEstimableError(InputError):
    """A fit asks for what its patients cannot tell: an analysis of several fits goes on without it and states why."""


class CohortWarning(UserWarning):
    """A cohort can be analysed, but a reader of the results should know this about it."""
