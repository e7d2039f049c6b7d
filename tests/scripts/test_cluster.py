"""Commands on the workers of a dask scheduler: the same tables to the last digit, interrupts, and a worker that is killed midway."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from data.errors import InputError
from inference.fits.cluster import connected

BRIEF = ("--chains", "2", "--draws", "20", "--tune", "20", "--designs", "3", "--quiet")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """The address of a scheduler on this machine, and the processes of its two workers."""
    begun, tmp_path = [], tmp_path_factory.mktemp("workers")

    def begin(*arguments: str) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:], "--no-dashboard"]
        with (tmp_path / f"log{len(begun)}").open("w") as log:
            begun.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return begun[-1]

    place = tmp_path / "scheduler.json"
    begin("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
    single = ("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--local-directory", str(tmp_path))
    own = [begin("dask_worker", "--scheduler-file", str(place), *single) for _ in range(2)]
    try:
        yield _address(place), own
    finally:
        for process in begun:
            process.kill()  # a worker that is to end while its scheduler does may never
            process.wait(timeout=60)


def _address(place: Path) -> str:
    """The address of the scheduler, once it has two workers."""
    import json

    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            address = json.loads(place.read_text(encoding="utf-8"))["address"]
            with connected(address) as client:
                if len(client.scheduler_info()["workers"]) == 2:
                    return address
        except (OSError, ValueError, InputError):
            pass
        time.sleep(0.5)
    raise AssertionError("no scheduler with two workers within two minutes")


def begin(*arguments: object, stderr: int | None = None) -> subprocess.Popen:
    """Begin `rtsurv` in a process of its own, which answers Ctrl-C as at a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.main", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=stderr,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def tables(folder: Path) -> dict[str, bytes]:
    """The tables that a command wrote."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".csv", ".parquet")}


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [
        ("reconstruct", "li2024", "--cohorts", "2", "--quiet"),
        ("fit", "{gaps}", "--adjustment", "cut", "--cohorts", "2", *BRIEF),
        ("sensitivity", "{small}", *BRIEF),
    ],
    ids=lambda command: command[0],
)
def test_tables_are_the_same_to_the_last_digit(command, small_study, with_gaps, workers, tmp_path):
    (tmp_path / "gaps").mkdir()
    with_gaps(tmp_path / "gaps", '[missing]\nmethod = "impute"\n')
    command = [one.format(gaps=tmp_path / "gaps", small=small_study) for one in command]
    far, here = tmp_path / "far", tmp_path / "here"
    for out, more in ((far, ("--cluster", workers[0])), (here, ())):
        assert begin(*command, "--out", out, *more).wait(timeout=1800) in (0, 3)
    assert tables(far) == tables(here)
    assert len(tables(far)) >= 3


@pytest.mark.long
def test_ctrl_c_frees_the_workers_and_the_same_command_continues(small_study, workers, tmp_path):
    command = ("sensitivity", small_study, "--quick", *BRIEF, "--out", tmp_path, "--cluster", workers[0])
    running = begin(*command, stderr=subprocess.PIPE)
    while running.poll() is None and not any(tmp_path.rglob("fit.json")):
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert err == "interrupted: what was finished is kept; the same command continues from there\n"
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("fit.nc")}
    assert 1 <= len(kept) < 4
    again = begin(*command)
    assert again.wait(timeout=600) in (0, 3)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert len(list(tmp_path.rglob("fit.json"))) == 4


@pytest.mark.long
def test_an_analysis_is_the_same_to_the_last_digit_though_a_worker_is_killed(small_study, workers, tmp_path):
    address, own = workers
    command = ("analyse", small_study, "--quick", *BRIEF)
    far, here = tmp_path / "far", tmp_path / "here"
    running = begin(*command, "--out", far, "--cluster", address)
    while running.poll() is None and not _busy(address):
        time.sleep(0.2)
    own[0].send_signal(signal.SIGKILL)
    assert running.wait(timeout=900) in (0, 3)
    assert begin(*command, "--out", here).wait(timeout=900) in (0, 3)
    assert tables(far) == tables(here)


def _busy(address: str) -> bool:
    """Whether every worker has work."""
    with connected(address) as client:
        working = client.processing()
        return len(working) == 2 and all(working.values())
