"""Work for other machines: what is sent, what comes back, and the workers of a real dask scheduler."""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from timeit import timeit

import pandas as pd
import pytest
from xarray.backends.locks import get_dask_scheduler

from data.errors import InputError
from data.simulation.simulate import Truth, simulate_cohort
from inference.fits.cluster import ONE_AT_A_TIME, RUNNING, Cluster, cluster, interrupt, other_versions
from inference.fits.comparators import comparators_of_cohorts
from inference.fits.parcel import Places, done, packed, put_in_place, unpacked
from inference.storage.atomic import write_text
from inference.storage.cache import FRAME


@pytest.fixture
def here(tmp_path: Path) -> Places:
    study = tmp_path / "study"
    (study / "evidence").mkdir(parents=True)
    (study / "evidence" / "printed.csv").write_text("1", encoding="utf-8")
    (tmp_path / "results").mkdir()
    return Places(tmp_path / "results", study)


def test_paths_are_those_of_the_machine_that_reads_them(here, tmp_path):
    inside = [here.results / "a" / "b.txt", here.study / "evidence" / "printed.csv", here.source / "models"]
    parcel = packed(partial(list, [*inside, Path("/elsewhere")]), here)
    there = Places(tmp_path / "other", tmp_path / "there", tmp_path / "program")
    expected = [
        there.results / "a" / "b.txt",
        there.study / "evidence" / "printed.csv",
        there.source / "models",
    ]
    assert unpacked(parcel.work, there)() == [*expected, Path("/elsewhere")]
    assert parcel.study == {"evidence/printed.csv": b"1"}


def test_what_is_written_elsewhere_is_put_in_place_here(here, tmp_path):
    parcel = packed(partial(write_text, here.results / "kept" / "a.txt", "found"), here)
    result, files = done(parcel, tmp_path / "worker")
    assert files == {"kept/a.txt": b"found"}
    assert not (here.results / "kept").exists()
    put_in_place(files, here.results)
    assert (here.results / "kept" / "a.txt").read_text(encoding="utf-8") == "found"
    assert unpacked(result, here) is None


def test_a_cached_result_comes_back_under_its_key_and_is_sent_where_it_is_held(here, tmp_path):
    deferred = comparators_of_cohorts.deferred(
        here.results / "kept", [simulate_cohort(Truth(), 60, seed=3)], 24.0, (12.0,), (), None, None
    )
    assert not deferred.held()
    result, files = done(packed(deferred.value, here), tmp_path / "worker")
    assert list(files)[-1].endswith("json"), "the checksum is put in place last"
    put_in_place(files, here.results)
    assert deferred.held()
    pd.testing.assert_frame_equal(deferred.value(), unpacked(result, here))
    pd.testing.assert_frame_equal(deferred.value(), FRAME.read(deferred.file))
    again = packed(deferred.value, here)
    assert set(again.results) == set(files)
    assert done(again, tmp_path / "second")[1] == {}, "what was held is not made again"


def test_a_worker_of_another_version_is_named_with_what_differs():
    here = {"python": "3.13.0", "pymc": "6.4.0", "source": "abc"}
    found = {"tcp://one": here, "tcp://two": {**here, "pymc": "6.4.1", "source": "abd"}}
    assert other_versions(here, found) == ["tcp://two has pymc 6.4.1 for 6.4.0, source abd for abc"]


def test_a_scheduler_that_does_not_run_is_named(monkeypatch):
    monkeypatch.setattr("inference.fits.cluster.PATIENCE", "200ms")
    with pytest.raises(InputError, match=r"must be the address of a scheduler that runs.*127\.0\.0\.1:9"):
        cluster("tcp://127.0.0.1:9", Path())


@pytest.fixture(scope="module")
def workers() -> Iterator[str]:
    """The address of a scheduler with two workers, all in this process."""
    from distributed import LocalCluster

    with LocalCluster(
        processes=False,
        n_workers=2,
        threads_per_worker=1,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
    ) as local:
        yield local.scheduler_address


def test_an_executor_gives_values_files_and_errors(workers, here):
    found = cluster(workers, here.study)
    assert found == Cluster(workers, here.study, 2)
    with found(here.results) as executor:
        written = executor.submit(write_text, here.results / "kept" / "b.txt", "far")
        values = [executor.submit(divmod, 7, number) for number in (2, 4, 0)]
        written.result(timeout=30)
        assert [one.result(timeout=30) for one in values[:2]] == [(3, 1), (1, 3)]
        with pytest.raises(ZeroDivisionError):
            values[2].result(timeout=30)
        assert executor.submit(get_dask_scheduler).result(timeout=30) != "distributed", (
            "files have no lock of the whole cluster, which an interrupt would leave taken"
        )
    assert (here.results / "kept" / "b.txt").read_text(encoding="utf-8") == "far"


def test_leaving_early_cancels_what_waits_and_interrupts_what_runs(workers, here):
    began = time.perf_counter()
    left = []
    with suppress(KeyboardInterrupt), cluster(workers, here.study)(here.results) as executor:
        left += [
            executor.submit(timeit, "sleep(0.01)", "from time import sleep", number=6000) for _ in range(4)
        ]
        while not RUNNING:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert ONE_AT_A_TIME.acquire(timeout=30 - (time.perf_counter() - began))
    ONE_AT_A_TIME.release()
    assert not RUNNING
    assert not any(one.done() and one.exception() is None for one in left)
    interrupt("a command that runs nothing")
