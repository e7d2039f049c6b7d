"""Machine code follows the sources of all functions that it is made of, not those of its own file alone."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


def called(folder, *, drop, **environment):
    """Return g(1), as another process finds it."""
    dropped = f"drop_stale(Path({str(folder)!r}), g); " if drop else ""
    code = (
        "from pathlib import Path; from caller import g; "
        f"from data.published.reconstruction.machine_code import drop_stale; {dropped}print(g(1))"
    )
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["beside the modules", "in a folder of numba's own"])
def test_a_function_that_is_called_changes_the_machine_code(folder, tmp_path, elsewhere):
    kept = {"NUMBA_CACHE_DIR": str(tmp_path / "kept")} if elsewhere else {}
    assert called(folder, drop=True, **kept) == 2
    (folder / "callee.py").write_text(CALLEE.format(10))
    assert called(folder, drop=False, **kept) == 2  # what numba does by itself
    assert called(folder, drop=True, **kept) == 11


def test_where_nothing_is_compiled_nothing_is_dropped(folder):
    assert called(folder, drop=True, NUMBA_DISABLE_JIT="1") == 2
    assert not list(folder.rglob("sources.sha256"))


def test_machine_code_of_the_same_sources_is_left(folder, tmp_path):
    machine_code = tmp_path / "kept"
    machine_code.mkdir()
    function = SimpleNamespace(stats=SimpleNamespace(cache_path=str(machine_code)))
    drop_stale(folder, function)
    kept = [machine_code / name for name in ("caller.g.nbi", "caller.g.1.nbc")]
    for one in kept:
        one.touch()
    drop_stale(folder, function)
    assert all(one.exists() for one in kept)
    (folder / "another.py").write_text("")
    drop_stale(folder, function)
    assert not any(one.exists() for one in kept)
