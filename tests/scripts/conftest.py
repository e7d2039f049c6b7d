"""A small simulated study, commands run in this process, and an analysis that several tests read."""

import io
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.simulation.simulate import Truth, simulate_frame
from inference.fits.sampled_fit import sampled_fit
from inference.report.figures.diagnostics import DIAGNOSTICS
from scripts.console import run
from scripts.main import app

SHORT = ("--quick", "--chains", "2", "--draws", "20", "--tune", "20", "--designs", "3")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, and what it said."""

    code: int
    out: str
    err: str


def ended(*arguments: object) -> Ended:
    """Run `rtsurv` with some arguments in this process, so that compiled models are used again."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(app, [str(argument) for argument in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def rtsurv() -> Callable[..., Ended]:
    """Run `rtsurv` with some arguments in this process."""
    return ended


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of 120 simulated patients with two covariates."""
    folder = tmp_path_factory.mktemp("small") / "study"
    folder.mkdir()
    frame, text = simulate_frame(Truth(), 120, seed=11)
    frame.to_csv(folder / "cohort.csv", index=False)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def no_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is sampled, in this process or in a worker."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be sampled here")

    monkeypatch.setattr("inference.sampling.modes.compiled_for", refuse)
    monkeypatch.setattr(sampled_fit, "function", refuse)
    monkeypatch.setattr("inference.fits.analysis.local_processes", in_turn)


class InTurn(Executor):
    """Runs what is submitted at once, in this process."""

    def submit(self, run: Callable, /, *args: object, **kwargs: object) -> Future:
        ended: Future = Future()
        ended.set_result(run(*args, **kwargs))
        return ended


@contextmanager
def in_turn(folder: Path) -> Iterator[InTurn]:
    """Give an executor of this process, where models are compiled already, in place of worker processes."""
    yield InTurn()


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let analyses fit in this process."""
    monkeypatch.setattr("inference.fits.analysis.local_processes", in_turn)


@pytest.fixture(scope="module")
def fits_here() -> Iterator[None]:
    """Let the analyses of a module fit in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.fits.analysis.local_processes", in_turn)
        yield


@pytest.fixture(scope="module")
def one_plot() -> Iterator[None]:
    """Let fits have one diagnostic plot: to draw all of them takes several times as long as a short fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.report.drawing.DIAGNOSTICS", {"loo": DIAGNOSTICS["loo"]})
        yield


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of the fits that are sampled during a test."""
    labels: list[str] = []
    sample = sampled_fit.function

    def noted(study, model, problem, *progress, **more):
        labels.append(f"{model['baseline']}, {model['adjustment']}, {model['prior_set']}")
        return sample(study, model, problem, *progress, **more)

    monkeypatch.setattr(sampled_fit, "function", noted)
    return labels


@dataclass(frozen=True)
class Analysis:
    """An analysis that was made: its study, its folder, how the command ended, and its options but for `--out`."""

    study: Path
    folder: Path
    ended: Ended
    options: tuple[str, ...]


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory, small_study: Path) -> Analysis:
    """A first look at a study drafted from a table. Too few draws: its checks fail."""
    folder = tmp_path_factory.mktemp("analysed")
    ended("new-study", "drafted", "--from", small_study / "cohort.csv", "--out", folder, "--quiet")
    study, out = folder / "drafted", folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.fits.analysis.local_processes", in_turn)
        made = ended("analyse", study, "--out", out, *SHORT)
    return Analysis(study, out, made, SHORT)


@pytest.fixture
def copied(analysed: Analysis, tmp_path: Path) -> Path:
    """A copy of the analysis' outputs, to be changed."""
    return Path(shutil.copytree(analysed.folder, tmp_path / "copied"))


@pytest.fixture
def interrupt_at(monkeypatch: pytest.MonkeyPatch):
    """Interrupt as Ctrl-C does, at the n-th call of a function given as `module.name`; then let it be."""

    def arm(target: str, number: int) -> None:
        import importlib

        module, _, name = target.rpartition(".")
        original = getattr(importlib.import_module(module), name)
        calls = []

        def counted(*arguments, **named):
            calls.append(name)
            if len(calls) == number:
                raise KeyboardInterrupt
            return original(*arguments, **named)

        monkeypatch.setattr(target, counted)

    return arm
