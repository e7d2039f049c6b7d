"""A run that is interrupted at any moment leaves what was finished, and the same command continues from there."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from inference.storage.atomic import atomic_path, write_text
from inference.storage.cache import TREE

CHECKOUT = Path(__file__).resolve().parents[2]
BRIEF = ("--chains", "2", "--draws", "40", "--tune", "40", "--designs", "3")
KILLED = """
import os, signal, sys
from pathlib import Path
from inference.storage.atomic import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    with temporary.open("w") as opened:
        opened.write("half of the n")
        opened.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def _parts(folder: Path) -> list[Path]:
    """Files that were not written to their end."""
    return list(folder.rglob("*.part"))


class TestFiles:
    @pytest.mark.parametrize("raised", [KeyboardInterrupt, OSError, SystemExit])
    def test_a_file_is_written_whole_or_not_at_all(self, tmp_path, raised):
        file = tmp_path / "table.csv"
        file.write_text("old", encoding="utf-8")

        def write():
            with atomic_path(file) as temporary:
                temporary.write_text("half of the n", encoding="utf-8")
                raise raised

        with pytest.raises(raised):
            write()
        assert file.read_text(encoding="utf-8") == "old"
        assert list(tmp_path.iterdir()) == [file]

    def test_a_new_file_takes_the_place_of_the_old(self, tmp_path):
        file = tmp_path / "deeper" / "table.csv"
        write_text(file, "old")
        write_text(file, "new")
        assert file.read_text(encoding="utf-8") == "new"
        assert list(file.parent.iterdir()) == [file]

    def test_what_an_ended_process_left_is_removed(self, tmp_path):
        from inference.storage.atomic import remove_parts

        (tmp_path / "fits").mkdir()
        for name in (".fit.nc.12.part", ".fit.nc.123.part", "fit.nc"):
            (tmp_path / "fits" / name).write_text("", encoding="utf-8")
        remove_parts(tmp_path, [12, 7])
        assert {path.name for path in (tmp_path / "fits").iterdir()} == {".fit.nc.123.part", "fit.nc"}

    def test_a_killed_process_leaves_the_old_file(self, tmp_path):
        file = tmp_path / "table.csv"
        file.write_text("old", encoding="utf-8")
        command = [sys.executable, "-c", KILLED, str(file)]
        ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=120, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert file.read_text(encoding="utf-8") == "old"
        write_text(file, "new")
        assert file.read_text(encoding="utf-8") == "new"


@pytest.fixture(scope="module")
def whole(rtsurv, fits_here, small_study, tmp_path_factory):
    """A run that nobody interrupted: exit code and table."""
    folder = tmp_path_factory.mktemp("whole")
    ended = rtsurv("sensitivity", small_study, "--quick", "--out", folder, *BRIEF)
    return ended.code, pd.read_csv(folder / "sensitivity.csv")


@pytest.mark.slow
@pytest.mark.usefixtures("fits_here")
class TestCommands:
    def _sealed(self, folder: Path) -> set[str]:
        return {path.parent.name for path in folder.rglob("fit.json")}

    def test_fit(self, rtsurv, small_study, tmp_path, interrupt_at):
        command = ("fit", small_study, "--adjustment", "none", "--out", tmp_path / "out", *BRIEF)
        interrupt_at("inference.sampling.engine.find_modes", 2)
        ended = rtsurv(*command)
        assert (ended.code, ended.out) == (130, "")
        assert ended.err.startswith("interrupted: ")
        assert list((tmp_path / "out").iterdir()) == []
        assert rtsurv(*command).code in (0, 3)
        assert (tmp_path / "out" / "manifest.json").is_file()

    @pytest.mark.long
    def test_fit_while_writing_a_second_time(self, rtsurv, small_study, tmp_path, interrupt_at):
        command = ("fit", small_study, "--adjustment", "none", "--out", tmp_path, *BRIEF)
        rtsurv(*command)
        interrupt_at("scripts.one_fit.write_table", 2)
        assert rtsurv(*command, "--seed", 6).code == 130
        # files of two fits lie side by side now, so nothing says that they belong together
        assert not (tmp_path / "manifest.json").exists()
        assert rtsurv(*command, "--seed", 6).code in (0, 3)
        assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["seed"] == 6

    # the joint model looks for modes twice: of the treatment model, and of both together
    @pytest.mark.parametrize(
        ("target", "number", "finished"),
        [
            pytest.param("inference.sampling.engine.find_modes", 1, 0, marks=pytest.mark.long),
            ("inference.sampling.engine.find_modes", 3, 1),
            pytest.param("inference.fits.sampled_fit.to_tree", 3, 2, marks=pytest.mark.long),
            pytest.param("inference.storage.cache.atomic_path", 3, 1, marks=pytest.mark.long),
            ("inference.storage.cache.write_text", 3, 1),
            ("inference.fits.stored.read_fit", 2, 2),
            pytest.param("inference.report.gallery.prior_sets_figure", 1, 4, marks=pytest.mark.long),
            ("scripts.files.write_json", 1, 4),
        ],
    )
    def test_sensitivity(
        self, rtsurv, small_study, tmp_path, interrupt_at, sampled, whole, target, number, finished
    ):
        command = ("sensitivity", small_study, "--quick", "--out", tmp_path, *BRIEF)
        interrupt_at(target, number)
        ended = rtsurv(*command)
        assert (ended.code, ended.out) == (130, "")
        kept = self._sealed(tmp_path)
        assert len(kept) == finished
        assert all("posterior" in TREE.read(tmp_path / "fits" / key / "fit.nc").children for key in kept)
        assert _parts(tmp_path) == []
        sampled.clear()
        assert rtsurv(*command).code == whole[0]
        assert len(sampled) == 4 - finished
        assert len(self._sealed(tmp_path)) == 4
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "sensitivity.csv"), whole[1])


def _alive(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def _wait(until, seconds: float) -> bool:
    """Return whether something came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if until():
            return True
        time.sleep(0.1)
    return bool(until())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are listed under /proc")
@pytest.mark.parametrize(
    "how",
    ["Ctrl-C", *(pytest.param(one, marks=pytest.mark.long) for one in ("terminated", "killed"))],
)
def test_workers_end_with_the_command(rtsurv, fits_here, small_study, tmp_path, how):
    command = [sys.executable, "-m", "scripts.main", "sensitivity", str(small_study), "--out", str(tmp_path)]
    run = {"cwd": CHECKOUT, "text": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    # A background job of a shell ignores Ctrl-C, and so would all that it starts: the child answers as at a terminal.
    answering = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    began = subprocess.Popen(
        [*command, "--quick", *BRIEF], start_new_session=True, preexec_fn=answering, **run
    )
    try:
        # with one fit kept, the worker is at the next one
        assert _wait(lambda: any(tmp_path.rglob("fit.json")) or began.poll() is not None, 240)
        assert began.poll() is None
        if how == "Ctrl-C":
            os.killpg(began.pid, signal.SIGINT)  # the terminal tells everybody
        else:
            began.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
        _, err = began.communicate(timeout=240)
    finally:
        left = [] if _wait(lambda: not _alive(began.pid), 60) else _alive(began.pid)
        for process in left:
            os.kill(process, signal.SIGKILL)
    assert left == []
    assert not (tmp_path / "sensitivity.csv").exists()
    kept = {path.parent / "fit.nc" for path in tmp_path.rglob("fit.json")}
    written = {path: path.stat().st_mtime_ns for path in kept}
    assert written
    assert all("posterior" in TREE.read(path).children for path in kept)
    if how == "killed":
        return
    assert began.returncode == 130
    assert err == "interrupted: what was finished is kept; the same command continues from there\n"
    assert _parts(tmp_path) == []
    if how == "Ctrl-C":
        again = rtsurv("sensitivity", small_study, "--out", tmp_path, "--quick", *BRIEF)
        assert again.code in (0, 3), again.err
        assert len(pd.read_csv(tmp_path / "sensitivity.csv")) == 4
        assert {path: path.stat().st_mtime_ns for path in kept} == written
