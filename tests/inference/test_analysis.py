"""Which fits an analysis makes, and in which chunks."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import pytest

from inference.fits.analysis import chunks_of, structure_of
from inference.fits.executor import Chunk, work_off
from inference.fits.plan import AnalysisSettings, plan
from inference.sampling.engine import SamplerSettings
from models.priors import PriorSet

EFFECTS = ("by_interval", "by_subgroup")
DESIGNS = {"cut": 20, "matched": 20, "iptw": 4000, "overlap": 4000}


def planned(**how):
    others = [PriorSet("default"), PriorSet("vague")]
    return plan(others[0], others, AnalysisSettings("default", designs=DESIGNS, **how))


def test_effects_that_change_stand_beside_the_main_model_without_feedback():
    made = planned(effects=EFFECTS)
    assert (made.main.effect, made.main.adjustment) == ("constant", "joint")
    assert [(one.effect, one.adjustment, one.baseline) for one in made.effects] == [
        (effect, "cut", "piecewise_exponential") for effect in EFFECTS
    ]
    assert {one.effect for one in (*made.models, *made.exposures, *made.prior_sets)} == {"constant"}
    groups = (*made.models, *made.exposures, *made.effects, *made.prior_sets, *made.prior_sets_cut)
    assert made.requests == groups
    assert planned(effects=EFFECTS, quick=True).effects == ()


def test_the_main_model_stands_beside_the_cut_under_every_prior_set():
    """Joint is never reported without cut; a quick look repeats the main model alone."""
    made = planned()
    assert {one.adjustment for one in made.models} >= {"joint", "cut"}
    repeated = [(one.adjustment, one.priors.name) for one in (*made.prior_sets, *made.prior_sets_cut)]
    assert repeated == [("joint", "vague"), ("cut", "vague")]
    assert planned(quick=True).prior_sets_cut == ()


def test_only_what_is_read_is_computed():
    made = planned(effects=EFFECTS, cohorts=20)
    assert all(one.predictive for one in made.models)
    assert [one.adjustment for one in made.models if one.left_out] == ["joint", "joint"]
    assert not any(one.predictive or one.left_out for one in (*made.effects, *made.prior_sets))
    assert all(one.left_out for one in planned().models)


@pytest.fixture
def models():
    requests = planned(effects=EFFECTS, cohorts=20).requests
    return [SimpleNamespace(request=request) for request in requests]


def test_chunks_hold_every_fit_once_and_none_more_than_its_share(models):
    missing = {(number, cohort): (number, cohort) for number in range(len(models)) for cohort in range(20)}
    chunks = chunks_of(models, missing)
    parts = [chunk.run.args[0] for chunk in chunks]
    assert sorted(job for part in parts for job in part) == sorted(missing)
    assert [chunk.size for chunk in chunks] == [len(part) for part in parts]
    assert max(chunk.size for chunk in chunks) <= len(missing) / 2
    for part in parts:
        assert len({structure_of(models[number].request) for number, _ in part}) == 1
        assert [cohort for _, cohort in part] == sorted(cohort for _, cohort in part)
    # none, joint and cut of both baselines; two effects that change; maximised
    assert len({structure_of(model.request) for model in models}) == len(chunks) == 9


def test_a_single_structure_is_shared(models):
    (joint,) = [one for one in models if one.request.named["adjustment"] == "joint"][:1]
    chunks = chunks_of([joint], {(0, cohort): cohort for cohort in range(5)})
    assert [chunk.run.args[0] for chunk in chunks] == [[0, 1, 2], [3, 4]]


def test_chunks_go_to_any_executor_the_largest_first_and_what_follows_after(tmp_path):
    """A thread pool of one in place of processes: what runs, in which order, and that an error comes back."""
    order: list[str] = []
    ended: list[str] = []

    def chunk(label, size=1):
        return Chunk(label, partial(order.append, label), size)

    def look():
        return [chunk("plot")] if "b" in order and "plot" not in order else []

    with ThreadPoolExecutor(1) as executor:
        work_off(executor, [chunk("a", 1), chunk("b", 3), chunk("c", 2)], look, ended.append)
    assert [one for one in order if one != "plot"] == ["b", "c", "a"]
    assert set(order) == set(ended) == {"a", "b", "c", "plot"}
    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        work_off(executor, [Chunk("", partial(divmod, 1, 0))])


def test_settings_come_back_from_the_manifest():
    settings = AnalysisSettings(
        "default",
        SamplerSettings(2, 500, 150, 7),
        DESIGNS,
        True,
        ["time_split", "naive"],
        ["by_interval"],
        3,
        50,
        ["vague"],
    )
    written = json.loads(json.dumps({**settings.manifest, "study": "x"}))
    assert AnalysisSettings.from_manifest(written) == settings
    with pytest.raises(KeyError):
        AnalysisSettings.from_manifest({"study": "x"})
