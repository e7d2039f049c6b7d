"""What a reader changes on the page: reweighted draws give what a refit gives, and controls work by keyboard."""

from pathlib import Path

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from inference import SamplerSettings
from inference.report.content import Live, ReportSection
from inference.report.page import render
from inference.sampling.engine import sample
from inference.sampling.posterior import Posterior
from models import EFFECTS, Prior, PriorSet
from models.baselines import PiecewiseExponential
from models.specification import ModelSpec

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}: install chromium to run this test"
)
FITTED, LIKELIHOOD = (0.0, 0.5), (-0.4, 0.15)  # mean and standard deviation
PRIORS = [(mean, sd) for mean in (-0.5, -0.25, 0.0, 0.2, 0.4) for sd in (0.15, 0.3, 0.8, 1.5)]


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
def page_of(make_report, draws, tmp_path_factory):
    """Open the page with controls, so many pixels wide."""
    from playwright.sync_api import sync_playwright

    section = ReportSection(
        "live-prior", "A prior of your own", finding="Set it.", live=Live("prior", live(draws))
    )
    file = tmp_path_factory.mktemp("live") / "report.html"
    file.write_text(render(make_report(sections=[section])), encoding="utf-8")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])

        def open_page(width=1440):
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.complaints, page.requests = [], []
            page.on("console", lambda message: page.complaints.append(message.text))
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            page.on("request", lambda request: page.requests.append(request.url))
            page.goto(file.as_uri())
            return page

        yield open_page
        browser.close()


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
    result = page.locator(".live .result")
    middle = np.exp(np.median(draws))
    assert f"Hazard ratio {middle:.2f}" in result.inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert field.input_value() == "0.01"
    assert page.locator(".live select").input_value() == ""
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("1.5")
    assert slider.input_value() == "1.5"
    second = page.locator('.live input[type="number"]').nth(1)
    second.fill("0.05")
    warning = page.locator(".live .alarm")
    assert warning.is_visible()
    assert "Not reliable" in warning.inner_text()
    page.locator(".live select").focus()
    page.keyboard.press("s")  # the sceptical set
    assert second.input_value() == "0.217"
    assert not warning.is_visible()
    (expected,) = reweighted(page, content, (0.0, 0.217))
    lower, median, upper = np.exp(expected["effect"])
    assert f"Hazard ratio {median:.2f} (95 % {lower:.2f} to {upper:.2f})" in result.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".live svg path").count() == 3
    assert page.complaints == []
    assert len(page.requests) == 1


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
