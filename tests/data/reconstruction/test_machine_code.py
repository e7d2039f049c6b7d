"""Machine code follows the sources of all functions that it is made of, not those of its own file alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.published.reconstruction.machine_code import drop_stale

CALLER = "import numba\nfrom callee import f\n\n\n@numba.njit(cache=True)\ndef g(x):\n    return f(x)\n"
CALLEE = "import numba\n\n\n@numba.njit(cache=True)\ndef f(x):\n    return x + {}\n"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "callee.py").write_text(CALLEE.format(1))
    return tmp_path


def called(folder, *, drop):
    """Return g(1), as another process finds it."""
    first = f"from data.published.reconstruction.machine_code import drop_stale; from pathlib import Path; drop_stale(Path({str(folder)!r})); "
    code = f"{first if drop else ''}from caller import g; print(g(1))"
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return int(done.stdout)


def test_a_function_that_is_called_changes_the_machine_code(folder):
    assert called(folder, drop=True) == 2
    (folder / "callee.py").write_text(CALLEE.format(10))
    assert called(folder, drop=False) == 2  # what numba does by itself
    assert called(folder, drop=True) == 11


def test_machine_code_of_the_same_sources_is_left(folder):
    drop_stale(folder)
    kept = [folder / "__pycache__" / name for name in ("caller.g.nbi", "caller.g.1.nbc")]
    for one in kept:
        one.touch()
    drop_stale(folder)
    assert all(one.exists() for one in kept)
    (folder / "another.py").write_text("")
    drop_stale(folder)
    assert not any(one.exists() for one in kept)
