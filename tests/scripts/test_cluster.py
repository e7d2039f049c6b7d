"""Commands on the workers of a dask scheduler: the same tables to the last digit, though one worker is killed midway."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import InputError
from inference.fits.cluster import connected

DRAWS = ("--quick", "--chains", "2", "--draws", "20", "--tune", "20", "--designs", "3", "--quiet")
TABLES = ("estimands.csv", "comparators.csv", "checks.csv", "sensitivity.csv")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """The address of a scheduler on this machine, and the processes of its two workers."""
    begun = []

    def begin(*arguments: str) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:], "--no-dashboard"]
        with (tmp_path / f"log{len(begun)}").open("w") as log:
            begun.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return begun[-1]

    place = tmp_path / "scheduler.json"
    begin("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
    own = [
        begin(
            "dask_worker",
            "--scheduler-file",
            str(place),
            "--nthreads",
            "1",
            "--no-nanny",
            "--host",
            "127.0.0.1",
        )
        for _ in range(2)
    ]
    try:
        yield _address(place), own
    finally:
        for process in begun:
            process.terminate()
        for process in begun:
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


@pytest.mark.long
def test_an_analysis_is_the_same_to_the_last_digit_though_a_worker_is_killed(small_study, workers, tmp_path):
    address, own = workers

    def begin(folder: Path, *more: str) -> subprocess.Popen:
        command = [
            sys.executable,
            "-m",
            "scripts.main",
            "analyse",
            str(small_study),
            *DRAWS,
            "--out",
            str(folder),
            *more,
        ]
        return subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})

    far, here = tmp_path / "far", tmp_path / "here"
    running = begin(far, "--cluster", address)
    while running.poll() is None and not _busy(address):
        time.sleep(0.2)
    own[0].send_signal(signal.SIGKILL)
    assert running.wait(timeout=900) in (0, 3)
    assert begin(here).wait(timeout=900) in (0, 3)
    for name in TABLES:
        assert (far / name).read_bytes() == (here / name).read_bytes()


def _busy(address: str) -> bool:
    """Whether every worker has work."""
    with connected(address) as client:
        working = client.processing()
        return len(working) == 2 and all(working.values())
