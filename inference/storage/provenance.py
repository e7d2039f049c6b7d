"""Where a number comes from: versions, commit, checksums, settings."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "rtsurv",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "arviz-base",
    "arviz-stats",
    "numpy",
    "pandas",
    "xarray",
    "formulaic",
    "lifelines",
    "numba",
    "scipy",
    "statsmodels",
)


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make the numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def commit() -> dict[str, Any]:
    """Return the commit of the source, and whether the tree was clean; unknown outside a checkout."""
    try:
        head = _git("rev-parse", "HEAD")
        clean = _git("status", "--porcelain", "--untracked-files=no") == ""
    except (OSError, subprocess.SubprocessError):
        return {"commit": "unknown", "clean": None}
    return {"commit": head, "clean": clean}


def _git(*arguments: str) -> str:
    finished = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return finished.stdout.strip()
