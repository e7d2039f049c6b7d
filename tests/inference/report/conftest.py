from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.study.study import Study, load_study
from inference.diagnostics.checks.result import CheckResult, checks_table
from inference.report.content import FigureItem, Report
from inference.report.drawings import Drawing

CHROMIUM = Path("/usr/bin/chromium")
MAIN = {
    "baseline": "piecewise_exponential",
    "adjustment": "joint",
    "effect": "constant",
    "exposure": "naive",
    "prior_set": "default",
}

# Two figures of one library: the same identifiers, references of every kind, a prolog and a date.
SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="360pt" height="180pt" viewBox="0 0 360 180"
 xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><rdf:RDF xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><dc:date>2024-01-01T00:00:00</dc:date></rdf:RDF></metadata>
 <defs><path id="DejaVuSans-41" d="M 2188 4044.123456 L 10.5 -0.0000001"/>
 <clipPath id="p1234"><rect x="0" y="0" width="10" height="10"/></clipPath></defs>
 <g id="figure_1" clip-path="url(#p1234)"><use xlink:href="#DejaVuSans-41" style="fill: url('#p1234')"/>
 <text>id="not-an-id" &lt;b&gt;</text></g>
</svg>
"""


def estimand_rows(adjustment: str, shift: float = 0.0, **fit: str) -> pd.DataFrame:
    quantities = [
        ("log_hazard_ratio", "conditional", np.nan, "log ratio", -0.357 + shift, 0.12, 0.9986),
        ("hazard_ratio", "conditional", np.nan, "ratio", 0.70 + shift, 0.08, 0.9986),
        ("marginal_hazard_ratio", "all", 1826.0, "ratio", 0.73 + shift, 0.08, 0.9986),
        ("survival_treated", "all", 365.0, "probability", 0.93, 0.01, np.nan),
        ("survival_control", "all", 365.0, "probability", 0.90, 0.01, np.nan),
        ("survival_difference", "all", 365.0, "probability", 0.03, 0.01, 0.9986),
        *[
            (f"rmst_{arm}", population, 1826.0, "days", value, 35.0, benefit)
            for population in ("all", "treated", "overlap")
            for arm, value, benefit in (
                ("treated", 1390.0, np.nan),
                ("control", 1259.0, np.nan),
                ("difference", 131.0 + 10 * shift, 0.9986),
            )
        ],
        ("median_treated", "all", np.nan, "days", np.inf, np.nan, np.nan),
        ("median_control", "all", np.nan, "days", 1528.0, 100.0, np.nan),
        ("median_difference", "all", np.nan, "days", np.inf, np.nan, 0.9999),
    ]
    rows = [
        {
            "study": "gbsg2",
            **MAIN,
            "adjustment": adjustment,
            **fit,
            "estimand": name,
            "population": population,
            "subgroup": "",
            "time": time,
            "unit": unit,
            "mean": value if np.isfinite(value) else np.nan,
            "sd": sd,
            "median": value,
            "lower": value - 1.96 * sd if np.isfinite(value) else 1700.0,
            "upper": value + 1.96 * sd if np.isfinite(value) else np.inf,
            "probability_of_benefit": benefit,
            "mcse": sd / 60,
            "ess_bulk": 3600.4,
            "ess_tail": 3100.0,
            "rhat": 1.0012,
        }
        for name, population, time, unit, value, sd, benefit in quantities
    ]
    return pd.DataFrame(rows)


def all_estimands() -> pd.DataFrame:
    tables = [
        estimand_rows(name, shift, baseline=baseline)
        for baseline in ("weibull", "piecewise_exponential")
        for name, shift in (("none", 0.01), ("cut", 0.02), ("joint", 0.0))
    ]
    return pd.concat(tables, ignore_index=True)


def comparator_rows() -> pd.DataFrame:
    rows = [
        ("log_rank", "", np.nan, 8.56, np.nan, np.nan, 0.0034, "log-rank test, chi-square"),
        ("median", "treated", np.nan, 2018.0, 1918.0, np.inf, np.nan, "Kaplan-Meier, log-log interval"),
        ("survival", "treated", 365.0, 0.9496, 0.9129, 0.9711, np.nan, "Kaplan-Meier, log-log interval"),
        ("hazard_ratio", "", np.nan, 0.695, 0.544, 0.888, 0.0036, "Cox, univariable"),
        ("hazard_ratio", "", np.nan, 0.680, 0.528, 0.876, 0.0028, "Cox, multivariable (Efron)"),
        ("hazard_ratio[tsize]", "", np.nan, 1.0041, 0.9963, 1.0119, 0.30, "Cox, multivariable (Efron)"),
        ("rmst_difference", "", 1826.0, 149.4, 53.8, 245.1, 0.0022, "area under Kaplan-Meier"),
        ("proportional_hazards_test", "", np.nan, 23.8, np.nan, np.nan, 0.0046, "Schoenfeld residuals"),
    ]
    names = ["statistic", "arm", "time", "estimate", "lower", "upper", "p", "method"]
    return pd.DataFrame(rows, columns=pd.Index(names)).assign(published=np.nan)


def check_rows() -> pd.DataFrame:
    fit, other = "piecewise_exponential, joint, default", "weibull, cut, default"
    early = "events in (476, 548] days, treated"
    checks = [
        CheckResult("convergence", "bulk ESS", "pass", 3123.0, 400.0, "effective draws", fit),
        CheckResult("overlap", "balance before weighting", "info", 0.61, 0.1, "before", fit),
        CheckResult("predictive", early, "fail", 0.003, 0.05, "the cohort has 12", other),
        CheckResult("feedback", "shift of age", "warn", 0.7, 0.5, "moved", fit),
        CheckResult("convergence", "R-hat", "fail", 1.0234, 1.01, "largest for treatment_effect", fit),
        CheckResult("convergence", "R-hat", "pass", 1.002, 1.01, "largest for treatment_effect", other),
    ]
    return checks_table(checks)


def sensitivity_rows() -> pd.DataFrame:
    rows = {
        "prior_set": ["default", "sceptical"],
        "reason": ["no direction", "for sceptics"],
        "prior": ["Normal(0, 0.5)", "Normal(0, 0.217)"],
        "hazard_ratio": [0.70, 0.75],
        "hazard_ratio_lower": [0.55, 0.62],
        "hazard_ratio_upper": [0.88, 0.92],
        "probability_of_benefit": [0.999, 0.997],
        "rmst_difference": [131.0, 104.0],
        "rmst_difference_lower": [60.0, 33.0],
        "rmst_difference_upper": [200.0, 170.0],
        "horizon": [1826.0, 1826.0],
        "unit": ["days", "days"],
        "prior_sensitivity": [0.021, 0.11],
        "likelihood_sensitivity": [0.09, 0.15],
        "diagnosis": ["the prior hardly matters", "prior and data pull in different directions"],
        "cut_hazard_ratio": [0.71, np.nan],
        "cut_hazard_ratio_lower": [0.56, np.nan],
        "cut_hazard_ratio_upper": [0.89, np.nan],
    }
    return pd.DataFrame(rows)


MakeReport = Callable[..., Report]


@pytest.fixture(scope="session")
def study() -> Study:
    return load_study("gbsg2")


@pytest.fixture(scope="module")
def open_page() -> Iterator[Callable[..., Any]]:
    """Open a file in a browser so many pixels wide, offline; the page keeps its complaints and requests."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: install chromium to run this test")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])

        def opened(file: Path, width: int, height: int = 900, **more: str) -> Any:
            size = {"width": width, "height": height}
            page: Any = browser.new_page(viewport=size, offline=True, **more)
            page.complaints, page.requests = [], []
            page.on("console", lambda message: page.complaints.append(message.text))
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            page.on("request", lambda request: page.requests.append(request.url))
            page.goto(file.as_uri())
            return page

        yield opened
        browser.close()


@pytest.fixture(scope="session")
def make_report(study: Study) -> MakeReport:
    def make(**changes: Any) -> Report:
        content: dict[str, Any] = {
            "study": study,
            "arms": pd.DataFrame(
                {
                    "arm": ["treated", "control", ""],
                    "patients": [246, 440, 686],
                    "events": [94, 205, 299],
                    "median_follow_up": [1729.0, 1582.0, 1645.0],
                }
            ),
            "main": MAIN,
            "estimands": all_estimands(),
            "comparators": comparator_rows(),
            "checks": check_rows(),
            "priors": pd.DataFrame(
                {
                    "parameter": ["treatment_effect", "outcome_coefficients"],
                    "term": ["", "age"],
                    "prior": ["Normal(0, 0.5)", "Normal(0, 0.05)"],
                    "reason": ["no direction preferred", "per year"],
                    "meaning": ["log hazard ratio", "log hazard ratio for one unit"],
                }
            ),
            "prior_statements": ["Median between 447 and 17000 days (95 %)."],
            "sensitivity": sensitivity_rows(),
            "figures": [
                FigureItem("survival", "Survival", "Read it so.", Drawing(lambda: SVG), "answer"),
                FigureItem("hazard", "Hazard", "Read it so.", Drawing(lambda: SVG), "curves"),
                FigureItem("trace", "Trace", "Read it so.", Drawing(lambda: SVG), "diagnostics"),
            ],
            "described": pd.DataFrame(
                {
                    "covariate": ["Age", "Grade"],
                    "level": ["mean (SD)", "II"],
                    "treated": ["58.1 (8.1)", "163 (66.3 %)"],
                    "control": ["50.5 (10.1)", "281 (63.9 %)"],
                    "before": [0.83, 0.05],
                    "overlap": [0.0, 0.01],
                }
            ),
            "manifest": {
                "command": ["rtsurv", "analyse", "gbsg2"],
                "seed": 20240101,
                "commit": "b63744e",
                "clean": True,
                "versions": {"python": "3.13", "pymc": "6.4.0"},
                "inputs": {"cohort": "6959"},
                "wall_time": {"sampling": 41.234},
            },
        }
        return Report(**(content | changes))

    return make
