"""Names that a package offers, each imported from its module when it is first used: the start of a command waits for none of them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, modules: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package (PEP 562).

    Parameters
    ----------
    package : str
        For messages.
    modules : mapping of str to str
        By name, the module that defines it.

    Examples
    --------
    >>> get, listed = lazily("data", {"InputError": "data.errors"})
    >>> get("InputError").__module__, listed()
    ('data.errors', ['InputError'])
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return get, lambda: sorted(modules)
