"""Where a number comes from: versions, commit, checksums, settings."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "rtsurv",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "numpy",
    "pandas",
    "xarray",
    "formulaic",
    "lifelines",
)
SAMPLING_SOURCES = (
    "data",
    "models",
    "inference/adjustments",
    "inference/density.py",
    "inference/engine.py",
    "inference/modes.py",
    "inference/approximation.py",
    "inference/geometry.py",
    "inference/groups.py",
    "inference/predictive.py",
    "inference/prior_draws.py",
    "inference/matching.py",
    "inference/replicates",
    "inference/requests.py",
    "inference/tasks.py",
    "inference/walk.py",
    "inference/weighting.py",
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


@cache
def sampling_source() -> str:
    """Return a digest of the source that decides what a fit holds: another version makes another fit."""
    seen = sha256()
    for part in SAMPLING_SOURCES:
        path = ROOT / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            seen.update(file.relative_to(ROOT).as_posix().encode())
            seen.update(file.read_bytes())
    return seen.hexdigest()[:16]


def _git(*arguments: str) -> str:
    finished = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return finished.stdout.strip()
