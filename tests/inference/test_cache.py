"""The cache: what decides a result changes its key and nothing else does; what is damaged or interrupted is computed again."""

import dataclasses
import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from data.study.study import load_study
from inference.frequentist import efron
from inference.sampling.engine import SamplerSettings
from inference.storage import cache as module
from inference.storage import closure
from inference.storage.cache import DATASET, FRAMES, TREE, Cached, cached, content_of
from inference.storage.closure import LAYERS, parsed, reached, source_of
from inference.storage.provenance import ROOT
from models.effects import EFFECTS
from models.priors import Prior, PriorSet

CALLS = []


@cached(DATASET)
def doubled(values, times=2.0, progress=None):
    """Return values times a number."""
    CALLS.append(times)
    return xr.Dataset({"value": ("x", times * np.asarray(values))}, attrs={"times": times})


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Calls are counted from none; the tests stand outside the layers, whose source is that of a module of the project."""
    CALLS.clear()
    monkeypatch.setattr(module, "source_of", lambda name: source_of("inference.storage.atomic"))


def test_a_result_is_computed_once_for_the_same_arguments(tmp_path):
    values = np.arange(3.0)
    assert not doubled.held(tmp_path, values)
    first = doubled(tmp_path, values)
    assert doubled.held(tmp_path, values)
    again = doubled(tmp_path, values.copy(), times=2.0, progress=print)
    xr.testing.assert_identical(first, again)
    assert CALLS == [2.0]
    assert doubled(tmp_path, values, 3.0).attrs["times"] == 3.0
    doubled(tmp_path, values + 1e-12)
    assert CALLS == [2.0, 3.0, 2.0]


@pytest.mark.parametrize("harm", ["damaged", "no checksum", "gone", "unreadable"])
def test_what_is_not_whole_is_computed_again(tmp_path, harm):
    doubled(tmp_path, [1.0])
    (place,) = tmp_path.iterdir()
    if harm == "damaged":
        (place / "result.nc").write_bytes((place / "result.nc").read_bytes() + b"0")
    elif harm == "no checksum":
        (place / "result.json").unlink()
    elif harm == "gone":
        (place / "result.nc").unlink()
    else:  # whole, but of a library that wrote it otherwise
        (place / "result.nc").write_bytes(b"otherwise")
        module.write_text(
            place / "result.json",
            f'{{"sha256": "{hashlib.sha256((place / "result.nc").read_bytes()).hexdigest()}"}}',
        )
    assert doubled.held(tmp_path, [1.0]) == (harm == "unreadable")
    assert_array_equal(doubled(tmp_path, [1.0])["value"], [2.0])
    assert CALLS == [2.0, 2.0]
    assert_array_equal(doubled(tmp_path, [1.0])["value"], [2.0])
    assert CALLS == [2.0, 2.0]


def test_an_interrupt_keeps_nothing(tmp_path):
    @cached(DATASET)
    def interrupted(number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path, 1)
    assert not interrupted.held(tmp_path, 1)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_every_form_gives_back_what_was_written(tmp_path):
    table = pd.DataFrame({"name": ["a", None], "number": [0.1, np.nan], "count": [1, 2]})
    tree = xr.DataTree.from_dict(
        {"/first": xr.Dataset({"x": ("n", [1.0, 2.0])}), "/second": xr.Dataset(attrs={"a": 1})}
    )
    values = {"zip": {"one": table, "two": table[:1]}, "nc": tree}
    for form in (FRAMES, TREE):

        @cached(form)
        def made(ending):
            return values[ending]

        made(tmp_path, form.ending)
        again = made(tmp_path, form.ending)
        if form is FRAMES:
            assert list(again) == ["one", "two"]
            assert_frame_equal(again["one"], table)
            assert_frame_equal(again["two"], table[:1])
        else:
            xr.testing.assert_identical(again, tree)


def test_content_knows_what_decides_and_refuses_what_has_none(small_cohort):
    study, priors = load_study("gbsg2"), PriorSet("default")
    narrow = PriorSet("default", "", {"treatment_effect": Prior("Normal", {"mu": 0.0, "sigma": 0.2})})
    other = dataclasses.replace(small_cohort, sha256="other")
    settings = SamplerSettings()
    for value, another in (
        (study, study.model_copy(update={"name": "other"})),
        (priors, narrow),
        (small_cohort, other),
        (settings, dataclasses.replace(settings, seed=3)),
        (EFFECTS["constant"](), {"ConstantEffect": {}}),
        (np.arange(3), np.arange(3.0)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (1, 1.5),
        (None, "None"),
        (float("nan"), float("inf")),
        ([1, 2], [2, 1]),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    ):
        assert content_of(value) == content_of(value)
        assert content_of(value) != content_of(another)
    assert content_of(PriorSet("default", "for another reason")) == content_of(priors)
    assert content_of({1, 2}) == content_of({2, 1})
    for nothing in (len, object(), SamplerSettings):
        with pytest.raises(TypeError, match="must be a value with content, but found"):
            content_of(nothing)


def functions() -> dict[str, Cached]:
    """Every cached function of the project, by name."""
    import importlib

    found = {}
    for file in sorted((ROOT / "inference").rglob("*.py")):
        if "cached(" in file.read_text(encoding="utf-8") and file.name not in ("cache.py",):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            loaded = importlib.import_module(name)
            found |= {key: one for key, one in vars(loaded).items() if isinstance(one, Cached)}
    return found


@pytest.mark.parametrize("name", sorted(functions()))
def test_keys_change_with_the_source_that_is_reached_and_with_no_other(name, monkeypatch):
    """A statement is added to some modules in turn: within the closure, and outside, to figures, page and audit."""
    summary = functions()[name].function.__module__
    begin = ROOT.joinpath(*summary.split(".")).with_suffix(".py")
    inside = reached([begin], LAYERS)
    every = [file for layer in LAYERS for file in (ROOT / layer).rglob("*.py")]
    pages = [file for file in every if {"figures", "report"} & set(file.relative_to(ROOT).parts)]
    audit = [file for file in (ROOT / "data" / "published" / "audit").rglob("*.py") if file not in inside]
    before = source_of.__wrapped__(summary)
    assert audit
    for file in [*inside[:: max(1, len(inside) // 4)], *pages[::20], *audit[::10]]:
        known = parsed(file)
        changed = dataclasses.replace(known, statements=(*known.statements, "added"))
        with monkeypatch.context() as patch:
            patch.setattr(
                closure,
                "parsed",
                lambda one, file=file, changed=changed: changed if one == file else parsed(one),
            )
            after = source_of.__wrapped__(summary)
        assert (after != before) == (file in inside), file
    assert not set(inside) & set(pages)


def test_a_comment_or_a_docstring_makes_nothing_again(tmp_path):
    shutil.copy(efron.__file__, tmp_path / "a.py")
    text = (tmp_path / "a.py").read_text(encoding="utf-8")
    (tmp_path / "b.py").write_text(
        text.replace('"""', '"""Once more: ', 1) + "\n# a comment\n", encoding="utf-8"
    )
    (tmp_path / "c.py").write_text(text + "\nMORE = 1\n", encoding="utf-8")
    first, second, third = (closure.digest_of([tmp_path / f"{name}.py"]) for name in "abc")
    assert first == second != third


def test_a_module_outside_the_project_is_refused():
    with pytest.raises(ValueError, match="must be one of the project, but found numpy"):
        source_of("numpy")
