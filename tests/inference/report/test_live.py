"""What a reader changes on the page: reweighted draws give what a refit gives, and controls work by keyboard."""

import re

import numpy as np
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from axe_playwright_python.sync_playwright import Axe
from scipy import stats

from inference import SamplerSettings
from inference.fits.tables import summarise_curves
from inference.frequentist.survival import kaplan_meier
from inference.report.content import FigureItem, Live, ReportSection
from inference.report.drawings import drawn_when_asked
from inference.report.figures.risk_table import Followed
from inference.report.figures.survival import survival_figure
from inference.report.live_survival import live_survival, survival_readings
from inference.report.page import render
from inference.sampling.engine import sample
from inference.sampling.posterior import Posterior
from models import EFFECTS, Prior, PriorSet
from models.baselines import PiecewiseExponential
from models.specification import ModelSpec

FITTED, LIKELIHOOD = (0.0, 0.5), (-0.4, 0.15)  # mean and standard deviation
PRIORS = [(mean, sd) for mean in (-0.5, -0.25, 0.0, 0.2, 0.4) for sd in (0.15, 0.3, 0.8, 1.5)]

SURFACE = {  # 3 delays by 4 strengths; every number says where it is
    "delay": {"from": 0, "to": 2, "step": 1},
    "strength": {"from": 1, "to": 1.3, "step": 0.1},
    "strengths": 4,
    "ratio": [[0.1 + at / 100, 0.2 + at / 100, 0.3 + at / 100] for at in range(12)],
    "time": [[at, at + 1, at + 2] for at in range(12)],
    "benefit": [1 - at / 100 for at in range(12)],
    "certain": 0.95,
    "said": "difference",
    "unit": "months",
}


def choice_of(summary):
    """Two adjustments, of which one gives two populations and the other one of its own; survival of the second is that of the first less 10 points."""
    read = survival_readings(summary, "all")
    less = {**read, "arms": [[[one - 10 for one in at] for at in arm] for arm in read["arms"]]}
    shown = {
        key: {"sentence": f"This is {key}.", "numbers": [{"label": "Ratio", "number": number, "interval": "0.1 to 0.2"}] * 3, "curves": curves}
        for key, number, curves in (("pe/joint/all", "0.5", read), ("pe/joint/treated", "0.6", less), ("pe/matched/matched", "0.7", less), ("weibull/joint/all", "0.8", less))
    }  # fmt: skip
    choices = {
        family: [{"name": name, "label": name, "assumes": f"assumes {name}"} for name in names]
        for family, names in (("baseline", ("pe", "weibull")), ("adjustment", ("joint", "matched")), ("population", ("all", "treated", "matched")))
    }  # fmt: skip
    return {"main": "pe/joint/all", "choices": choices, "colours": ["#111", "#222"], "shown": shown}


def posterior_of(mean, sd):
    """The posterior of a Normal prior beside the Normal likelihood."""
    precision = sd**-2 + LIKELIHOOD[1] ** -2
    return stats.norm((mean * sd**-2 + LIKELIHOOD[0] * LIKELIHOOD[1] ** -2) / precision, precision**-0.5)


def live(effect, units=1, **more):
    return {
        "effect": np.asarray(effect).ravel().tolist(), "time": (-10 * np.asarray(effect)).ravel().tolist(), "units": units,
        "mean": FITTED[0], "sd": FITTED[1], "said": "difference in restricted mean to 60 months", "unit": "months",
        "presets": [{"name": "default", "mean": 0.0, "sd": 0.5}, {"name": "sceptical", "mean": 0.0, "sd": 0.217}], "command": "rtsurv fit STUDY --priors FILE", **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def draws():
    return posterior_of(*FITTED).rvs(1000, random_state=1)


@pytest.fixture(scope="module")
def curves():
    """Draws of exponential survival to 70 months, summarised: hazards of 0.03 without and about 0.02 with treatment."""
    rng, time = np.random.default_rng(2), np.linspace(0.0, 70.0, 141)
    hazard = (
        np.stack([rng.normal(0.03, 0.002, 200), rng.normal(0.02, 0.002, 200)])[None, :, :, None] + 0 * time
    )
    by_arm = ("population", "arm", "draw", "time")
    drawn = xr.Dataset(
        {
            "survival": (by_arm, np.exp(-hazard * time)),
            "hazard": (by_arm, hazard),
            "average_hazard": (("draw", "time"), hazard[0, 0]),
        },
        coords={"population": ["all"], "arm": ["control", "treated"], "time": time},
    )
    labels = {"treated_label": "Treated", "control_label": "Not treated", "time_unit": "months"}
    return drawn, summarise_curves(drawn).assign_attrs(labels | {"treated_end": 60.0, "control_end": 65.0})


@pytest.fixture(scope="module")
def page_of(make_report, open_page, draws, curves, tmp_path_factory):
    """Open the page with controls, so many pixels wide."""

    section = ReportSection(
        "live-prior", "A prior of your own", finding="Set it.", live=Live("prior", live(draws))
    )
    file = tmp_path_factory.mktemp("live") / "report.html"
    _, summary = curves
    followed = {
        arm: Followed(np.zeros(9), np.arange(8.0, 80.0, 8.0), np.ones(9, dtype=bool))
        for arm in ("treated", "control")
    }
    steps = {arm: kaplan_meier(one.time, one.event) for arm, one in followed.items()}
    drawing = drawn_when_asked("survival", lambda: survival_figure(summary, steps, followed))
    figure = FigureItem("survival", "Survival", "Read it so.", drawing, "answer", live_survival(summary))
    both = ReportSection("both", "Both", finding="Set them.", live=Live("surface", SURFACE))
    page = make_report(
        sections=[section, both], figures=[figure], choice=Live("headline", choice_of(summary))
    )
    file.write_text(render(page), encoding="utf-8")
    return lambda width=1440, scheme="light": open_page(file, width, color_scheme=scheme)


def reweighted(page, content, *priors):
    """Return what the page computes under each prior."""
    return page.evaluate(
        "([fit, priors]) => priors.map(([mean, sd]) => reweighted(fit, mean, sd))", [content, priors]
    )


def within_error(draws, found, exact, prior):
    """Compare quantiles and P(benefit) with an exact posterior: within 4.5 Monte Carlo errors of the effective draws."""
    effective = found["effective"]
    for p, value in zip((0.025, 0.5, 0.975), found["effect"], strict=True):
        error = np.sqrt(p * (1 - p) / effective) / exact.pdf(exact.ppf(p))
        assert abs(value - exact.ppf(p)) < 4.5 * error, (prior, p)
    benefit = exact.cdf(0.0)
    assert abs(found["benefit"] - benefit) < 4.5 * np.sqrt(benefit * (1 - benefit) / effective) + 1 / len(
        draws
    ), prior


def test_reweighted_draws_are_those_of_the_other_posterior(page_of, draws):
    """Of 20 priors, a refit is known exactly; weights and k-hat are ArviZ's; what is not marked as unreliable is right."""
    content = live(draws)
    page = page_of()
    reliable = 0
    *results, far, same = reweighted(page, content, *PRIORS, (1.5, 0.05), FITTED)
    for prior, found in zip(PRIORS, results, strict=True):
        ratio = stats.norm.logpdf(draws, *prior) - stats.norm.logpdf(draws, *FITTED)
        log_weights, k = array_stats.psislw(-ratio)
        np.testing.assert_allclose(found["weights"], np.exp(log_weights), rtol=1e-6, atol=1e-12)
        assert found["k"] == pytest.approx(float(k), abs=1e-6)
        if found["k"] <= 0.7:
            reliable += 1
            within_error(draws, found, posterior_of(*prior), prior)
    assert reliable >= 18
    assert far["k"] > 0.7
    np.testing.assert_allclose(same["weights"], 1 / len(draws), rtol=1e-12)


def test_each_cohort_keeps_its_share(page_of, draws):
    """Cohorts that the other prior suits better do not count for more: a refit gives each of them equal weight."""
    units = np.stack([draws[:500] - 0.3, draws[500:] + 0.3])
    content = live(units, units=2)
    (found,) = reweighted(page_of(), content, (-0.6, 0.2))
    weights = np.reshape(found["weights"], (2, 500))
    np.testing.assert_allclose(weights.sum(axis=1), 0.5)
    benefit = [(own * (one < 0)).sum() for own, one in zip(weights, units, strict=True)]
    assert found["benefit"] == pytest.approx(sum(benefit))


@pytest.mark.parametrize("width", [1440, 390])
def test_controls_work_by_keyboard(page_of, draws, width):
    content = live(draws)
    page = page_of(width)
    slider, field = (
        page.locator('.live input[type="range"]').first,
        page.locator('.live input[type="number"]').first,
    )
    result = page.locator('[data-kind="prior"] .result')
    middle = np.exp(np.median(draws))
    assert f"Hazard ratio {middle:.2f}" in result.inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert field.input_value() == "0.01"
    assert page.locator('[data-kind="prior"] select').input_value() == ""
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("1.5")
    assert slider.input_value() == "1.5"
    second = page.locator('.live input[type="number"]').nth(1)
    second.fill("0.05")
    warning = page.locator(".live .alarm").first
    assert warning.is_visible()
    assert "Not reliable" in warning.inner_text()
    page.locator('[data-kind="prior"] select').focus()
    page.keyboard.press("s")  # the sceptical set
    assert second.input_value() == "0.217"
    assert not warning.is_visible()
    (expected,) = reweighted(page, content, (0.0, 0.217))
    lower, median, upper = np.exp(expected["effect"])
    assert f"Hazard ratio {median:.2f} (95 % {lower:.2f} to {upper:.2f})" in result.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator('[data-kind="prior"] svg path').count() == 3
    assert page.complaints == []
    assert len(page.requests) == 1


@pytest.mark.parametrize("width", [1440, 390])
def test_survival_is_read_off_the_curves_by_pointer_and_keyboard(page_of, curves, width):
    """At a tick of the axis the reading is that of the tick's time: quantiles of the draws of both arms and of their difference."""
    drawn, _ = curves
    page = page_of(width)
    svg = page.locator(".curves svg:visible")
    ticks = svg.locator("[id$='-axes_1'] [id*='-xtick_']")
    used = {one.text_content().strip(): one.locator("use").first.bounding_box() for one in ticks.all()}
    place, panel = used["40"], svg.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, panel["y"] + 80)

    def reading(time):
        at = drawn["survival"].sel(population="all", time=time).to_numpy()
        values = {"Treated": at[1], "Not treated": at[0], "Difference": at[1] - at[0]}
        return {
            name: [round(100 * one) for one in np.quantile(value, [0.5, 0.025, 0.975])]
            for name, value in values.items()
        }

    def said():
        time, *parts = svg.get_attribute("aria-valuetext").split("; ")
        return time, {part.split(":")[0]: [int(one) for one in re.findall(r"\d+", part)] for part in parts}

    assert said() == ("At 40 months", reading(40.0))
    assert svg.locator(".reading text").count() == 4
    svg.focus()
    for key, time in (("ArrowRight", 40.5), ("PageDown", 35.5), ("Home", 0.0), ("End", 70.0)):
        page.keyboard.press(key)
        extrapolated = ", extrapolated" if time > 60 else ""
        assert said() == (f"At {time:g} months{extrapolated}", reading(time))
        box = svg.locator(".reading rect").bounding_box()
        assert panel["x"] <= box["x"]
        assert box["x"] + box["width"] <= panel["x"] + panel["width"]
    page.keyboard.press("Tab")
    assert not svg.locator(".reading text").first.is_visible()
    assert page.complaints == []


@pytest.mark.parametrize("width", [1440, 390])
def test_another_model_or_population_changes_the_headline_and_is_marked(page_of, width):
    """Sentence, numbers and readings are those of the choice; one that was not computed gives way; the way back is a key away."""
    page = page_of(width)
    note, sentence = page.locator(".other"), page.locator(".sentence")
    baseline, adjustment, population = page.locator('[data-kind="headline"] select').all()
    svg = page.locator(".curves svg:visible")

    def said():
        readings = re.findall(r"(\d+) %", svg.get_attribute("aria-valuetext"))
        numbers = page.locator(".numbers b").all_inner_texts()
        return sentence.inner_text(), numbers, [int(one) for one in readings]

    def chosen():
        return [one.input_value() for one in (baseline, adjustment, population)]

    (before, numbers, (treated, control)) = said()
    assert (before, numbers) == ("This is pe/joint/all.", ["0.5"] * 3)
    assert not note.is_visible()
    assert svg.locator(".over path").count() == 0
    page.locator('[data-kind="headline"] summary').focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("t")  # the treated
    changed, numbers, read = said()
    assert (changed, numbers) == ("This is pe/joint/treated.", ["0.6"] * 3)
    np.testing.assert_allclose(read, [treated - 10, control - 10], atol=1)
    assert note.is_visible()
    assert svg.locator(".over path").count() == 6  # two arms, a median and two limits each
    assert population.locator("option:disabled").all_inner_texts() == ["matched"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    # Pairs are their own population; from there Weibull was not computed: the adjustment gives way.
    adjustment.select_option("matched")
    assert chosen() == ["pe", "matched", "matched"]
    baseline.select_option("weibull")
    assert chosen() == ["weibull", "joint", "all"]
    assert said()[0] == "This is weibull/joint/all."
    assert "assumes weibull" in page.locator('[data-kind="headline"]').inner_text()
    note.locator("button").focus()
    page.keyboard.press("Enter")
    assert said() == (before, ["0.5"] * 3, [treated, control])
    assert chosen() == ["pe", "joint", "all"]
    assert not note.is_visible()
    assert svg.locator(".over path").count() == 0
    assert page.complaints == []


def test_delay_and_strength_are_set_together(page_of):
    page = page_of(390)
    place = page.locator('[data-kind="surface"]')
    result, warning = place.locator(".result"), place.locator(".alarm")
    assert "Hazard ratio 0.20 (95 % 0.10 to 0.30), P(benefit) > 0.999" in result.inner_text()
    place.locator('input[type="range"]').first.focus()
    page.keyboard.press("ArrowRight")
    assert "Hazard ratio 0.24" in result.inner_text()
    assert not warning.is_visible()
    place.locator('input[type="number"]').nth(1).fill("1.2")
    assert (
        "Hazard ratio 0.26 (95 % 0.16 to 0.36), P(benefit) 0.940; difference 7.0 months"
        in result.inner_text()
    )
    assert warning.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.complaints == []


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), pytest.param(1440, "light", marks=pytest.mark.long)]
)
def test_no_rule_of_accessibility_is_broken(page_of, width, scheme):
    """Axe, on the page as it opens and with all unfolded and another result chosen."""
    page = page_of(width, scheme)

    def broken():
        found = Axe().run(page).response["violations"]
        return [(one["id"], one["impact"], [node["html"][:200] for node in one["nodes"]]) for one in found]

    assert broken() == []
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.locator('[data-kind="headline"] select').nth(2).select_option("treated")
    assert broken() == []
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [rule for rule, _, _ in broken()] == ["image-alt"]


@pytest.mark.long
def test_reweighted_draws_are_those_of_a_refit(page_of, small_cohort):
    """20 priors of the effect, each sampled: medians, limits and P(benefit) within their Monte Carlo errors."""
    spec = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"]())

    def sampled(mean, sd):
        priors = PriorSet("own", overrides={"treatment_effect": Prior("Normal", {"mu": mean, "sigma": sd})})
        drawn = sample(Posterior(small_cohort, spec, priors), SamplerSettings(4, 2000, 300, 7))
        return drawn.parameters["treatment_effect"].ravel()

    draws = sampled(*FITTED)
    content = live(draws)
    reliable = 0
    for prior, found in zip(PRIORS, reweighted(page_of(), content, *PRIORS), strict=True):
        if found["k"] > 0.7:
            continue
        reliable += 1
        refit = sampled(*prior)
        density = stats.gaussian_kde(refit)
        for p, value in zip((0.025, 0.5, 0.975), found["effect"], strict=True):
            exact = np.quantile(refit, p)
            error = np.sqrt(p * (1 - p) * (1 / found["effective"] + 1 / len(refit))) / density(exact)[0]
            assert abs(value - exact) < 4.5 * error, (prior, p)
        benefit = (refit < 0).mean()
        assert (
            abs(found["benefit"] - benefit)
            < 4.5 * np.sqrt(benefit * (1 - benefit) * (1 / found["effective"] + 1 / len(refit))) + 1e-3
        )
    assert reliable >= 15
