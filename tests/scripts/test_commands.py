"""What the verbs write, and that they write it again from the same input."""

import json
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data.study.sources import load_cohort
from data.study.study import load_study
from inference.storage.cache import TREE

CHECKOUT = Path(__file__).resolve().parents[2]
BRIEF = ("--chains", "2", "--draws", "100", "--tune", "100", "--designs", "3", "--quiet")
ESTIMANDS = [
    *("study", "baseline", "adjustment", "effect", "exposure", "prior_set"),
    *("estimand", "population", "subgroup", "time", "unit"),
    *("mean", "sd", "median", "lower", "upper", "probability_of_benefit"),
    *("mcse", "ess_bulk", "ess_tail", "rhat"),
]
TABLES = {
    "estimands.csv": ESTIMANDS,
    "comparators.csv": ["statistic", "arm", "time", "estimate", "lower", "upper", "p", "method", "published"],
    "checks.csv": ["name", "status", "value", "threshold", "text"],
}
VERBS = ("analyse", "fit", "sensitivity", "report", "new-study", "new-publication", "import-curve")
MADE = [("piecewise_exponential", "joint"), ("piecewise_exponential", "cut"), ("weibull", "none")]


@pytest.mark.parametrize("verb", [*VERBS, "check-evidence", "benchmark"])
def test_every_verb_explains_itself(rtsurv, verb):
    ended = rtsurv(verb, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"rtsurv {verb}" in ended.out


THREADS = """
import os, sys
asked = {"PATH": os.environ["PATH"], **dict(one.split("=") for one in sys.argv[1:])}
os.environ.clear()
os.environ.update(asked)
import scripts.main
import scipy.linalg
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""


@pytest.mark.parametrize(("given", "threads"), [([], {1}), (["OMP_NUM_THREADS=2"], {2})])
def test_linear_algebra_has_one_thread_unless_somebody_says_otherwise(given, threads):
    said = subprocess.run(
        [sys.executable, "-c", THREADS, *given], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert said.stdout.strip() == str(threads)


def test_a_verb_is_a_script_too():
    command = [sys.executable, "scripts/fit.py", "--help"]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=True)
    assert "--adjustment" in ended.stdout
    command = [str(Path(sys.executable).with_name("rtsurv")), "fit", "--help"]
    installed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=True)
    assert "--adjustment" in installed.stdout


@pytest.fixture(scope="module", params=MADE, ids="-".join)
def fitted(request, rtsurv, small_study, tmp_path_factory):
    baseline, adjustment = request.param
    folder = tmp_path_factory.mktemp("fit") / "made" / "here"
    options = ("--baseline", baseline, "--adjustment", adjustment, "--out", folder)
    return baseline, adjustment, folder, rtsurv("fit", small_study, *options, *BRIEF)


def _decisive(checks: pd.DataFrame) -> bool:
    family = checks["name"].str.split(":").str[0]
    return bool(((checks["status"] == "fail") & family.isin(["convergence", "feedback"])).any())


@pytest.mark.slow
class TestFit:
    def test_files(self, fitted):
        _, _, folder, ended = fitted
        assert (ended.out, ended.err) == ("", "")
        found = {path.name for path in folder.iterdir()}
        assert found == {"fit.nc", *TABLES, "manifest.json", "figures"}
        drawn = [path.name for path in (folder / "figures").iterdir()]
        assert len(drawn) >= 10
        assert {name.rpartition(".")[0] + ending for name in drawn for ending in (".svg", ".png")} == set(
            drawn
        )

    def test_exit_code_says_whether_checks_passed(self, fitted):
        _, _, folder, ended = fitted
        assert ended.code == (3 if _decisive(pd.read_csv(folder / "checks.csv")) else 0)

    def test_tables_have_the_columns_of_the_contract(self, fitted):
        _, _, folder, _ = fitted
        for name, columns in TABLES.items():
            table = pd.read_csv(folder / name)
            assert list(table.columns) == columns
            assert len(table)

    def test_every_estimand_of_every_population(self, fitted):
        baseline, adjustment, folder, _ = fitted
        table = pd.read_csv(folder / "estimands.csv", keep_default_na=False)
        named = table[ESTIMANDS[:6]].drop_duplicates()
        assert named.to_numpy().tolist() == [
            ["simulated", baseline, adjustment, "constant", "naive", "default"]
        ]
        expected = {("log_hazard_ratio", "conditional"): 1, ("hazard_ratio", "conditional"): 1}
        for population in ("all", "treated", "overlap"):
            expected[("marginal_hazard_ratio", population)] = 1
            expected[("hazard_ratio_at", population)] = 3
            for what in ("treated", "control", "difference"):
                for name, count in (("survival", 3), ("rmst", 1), ("median", 1)):
                    expected[(f"{name}_{what}", population)] = count
        assert table.groupby(["estimand", "population"]).size().to_dict() == expected
        one_arm = table["estimand"].str.endswith(("_treated", "_control"))
        assert (table.loc[one_arm, "probability_of_benefit"] == "").all()
        assert (table.loc[~one_arm, "probability_of_benefit"] != "").all()
        assert set(table.loc[table["estimand"].str.startswith(("rmst", "median")), "unit"]) == {"months"}

    def test_intervals_hold_their_medians(self, fitted):
        table = pd.read_csv(fitted[2] / "estimands.csv")
        known = table[table["lower"].notna() & table["upper"].notna()]
        assert (known["lower"] <= known["median"]).all()
        assert (known["median"] <= known["upper"]).all()
        numbers = table.set_index("estimand")
        for limit in ("median", "lower", "upper"):
            ratio, logarithm = (numbers.loc[name, limit] for name in ("hazard_ratio", "log_hazard_ratio"))
            assert np.log(ratio) == pytest.approx(logarithm, abs=0.02)

    def test_checks_name_their_family(self, fitted):
        _, adjustment, folder, _ = fitted
        checks = pd.read_csv(folder / "checks.csv")
        assert set(checks["status"]) <= {"pass", "warn", "fail", "info"}
        families = set(checks["name"].str.split(": ").str[0])
        assert {"convergence", "predictive", "overlap"} <= families
        assert ("feedback" in families) == (adjustment == "joint")

    def test_manifest_says_where_the_numbers_come_from(self, fitted, small_study):
        baseline, adjustment, folder, _ = fitted
        kept = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert kept["seed"] == 20240101
        sampler = {"chains": 2, "draws": 100, "tune": 100, "seed": 20240101}
        assert kept["settings"] == sampler | {"designs": 3 if adjustment == "cut" else 1}
        assert (kept["model"]["baseline"], kept["model"]["adjustment"]) == (baseline, adjustment)
        assert {"python", "pymc", "nutpie", "rtsurv"} <= set(kept["versions"])
        assert {"commit", "clean", "command", "fit"} <= set(kept)
        assert kept["holds_patient_level_data"] is True
        for key, name in (("study file", "study.toml"), ("cohort.csv", "cohort.csv")):
            assert kept["inputs"][key] == sha256((small_study / name).read_bytes()).hexdigest()
        assert kept["wall_time_seconds"]["sampling"] > 0

    def test_the_fit_itself(self, fitted):
        baseline, adjustment, folder, _ = fitted
        with xr.open_datatree(folder / "fit.nc", engine="h5netcdf") as tree:
            tree.load()
        groups = {"posterior", "sample_stats", "prior", "posterior_predictive", "log_likelihood"}
        assert groups | {"observed_data", "constant_data"} <= set(tree.children)
        posterior = tree["posterior"]
        assert "treatment_effect" in posterior
        terms = ["age", "grade[T.II]", "grade[T.III]"]
        assert list(posterior["outcome_coefficients"]["term"].to_numpy()) == terms
        assert ("weibull_shape" in posterior) == (baseline == "weibull")
        assert ("design" in posterior["treatment_effect"].dims) == (adjustment == "cut")
        provenance = json.loads(tree.attrs["provenance"])
        assert provenance["model"]["adjustment"] == adjustment


@pytest.mark.slow
class TestAnalyse:
    def test_files(self, analysed):
        found = {path.name for path in analysed.folder.iterdir()}
        files = {"adjustments.csv", "sensitivity.csv", "manifest.json", "report.html"}
        assert found == {*TABLES, *files, "figures", "fits", "kept", "tables"}
        effects = pd.read_csv(analysed.folder / "tables" / "effects.csv")
        page = (analysed.folder / "report.html").read_text(encoding="utf-8")
        for cell in effects["Hazard ratio, conditional (95 %)"].dropna():
            assert cell in page
        drawn = {path.suffix for path in (analysed.folder / "figures").iterdir()}
        assert drawn == {".svg", ".png"}
        for name, columns in TABLES.items():
            assert list(pd.read_csv(analysed.folder / name).columns) == columns

    def test_every_fit_is_stored_and_in_the_table(self, analysed):
        kept = json.loads((analysed.folder / "manifest.json").read_text(encoding="utf-8"))
        table = pd.read_csv(analysed.folder / "estimands.csv")
        rows = table[["baseline", "adjustment", "prior_set"]].drop_duplicates().to_numpy().tolist()
        assert [", ".join(row) for row in rows] == list(kept["fits"])
        assert {path.name for path in (analysed.folder / "fits").iterdir()} == set(kept["fits"].values())
        for key in kept["fits"].values():
            assert {"fit.nc", "fit.json"} <= {
                path.name for path in (analysed.folder / "fits" / key).iterdir()
            }
        sets = pd.read_csv(analysed.folder / "sensitivity.csv")["prior_set"].tolist()
        assert sets[0] == "default"
        assert set(sets) == {"default", "enthusiastic", "sceptical", "vague"}

    def test_console_shows_effects_checks_and_where_the_report_is(self, analysed):
        out = analysed.ended.out
        assert analysed.ended.err == ""
        assert "Treated against Control" in out
        for model in ("joint", "cut", "joint, sceptical priors"):
            assert re.search(rf"  {re.escape(model)} +[0-9.]+ \([0-9.]+ to [0-9.]+\)", out)
        assert "Checks: " in out
        assert f"Report: {analysed.folder / 'report.html'}" in out

    def test_report_holds_no_patient(self, analysed, small_study):
        page = (analysed.folder / "report.html").read_text(encoding="utf-8")
        cohort = pd.read_csv(small_study / "cohort.csv", dtype=str)
        assert not [patient for patient in cohort["patient"] if patient in page]
        # a median is the time of a patient; no other time is there
        medians = (analysed.folder / "comparators.csv").read_text(encoding="utf-8")
        shown = [time for time in cohort["survival_months"] if time[:8] in page]
        assert not [time for time in shown if time not in medians]
        assert not [age for age in cohort["age"] if age[:8] in page]

    def test_report_fetches_nothing(self, analysed):
        page = (analysed.folder / "report.html").read_text(encoding="utf-8")
        fetched = re.findall(
            r"<(?!a\b)\w[^>]*\b(?:src|href|srcset|data|action)=[\"'](?![#\"']|data:)[^>]*>", page
        )
        assert fetched == []
        assert "@import" not in page
        assert not re.search(r"url\((?!['\"]?(?:#|data:))", page)
        assert not re.search(r"\b(?:fetch|XMLHttpRequest|import)\s*\(", page)
        assert len(page) < 6_000_000

    def test_report_holds_the_draws_behind_its_first_row(self, analysed):
        """What the page reweights has the median that the table has, and the priors of all sets."""
        page = (analysed.folder / "report.html").read_text(encoding="utf-8")
        content = json.loads(re.search(r'data-kind="prior"><script[^>]*>(.*?)</script>', page)[1])
        table = pd.read_csv(analysed.folder / "estimands.csv").query("prior_set == 'default'")
        row = table.query("adjustment == 'joint' and estimand == 'log_hazard_ratio'").iloc[0]
        assert np.median(content["effect"]) == pytest.approx(row["median"], abs=1e-4)
        mean = table.query("adjustment == 'joint' and estimand == 'rmst_difference' and population == 'all'")
        assert np.median(content["time"]) == pytest.approx(mean["median"].iloc[0], rel=1e-3)
        assert content["presets"][0] == {"name": "default", "mean": 0.0, "sd": content["sd"]}
        sets = pd.read_csv(analysed.folder / "sensitivity.csv")["prior_set"]
        assert len(content["presets"]) == sets.nunique()

    @pytest.mark.long
    def test_every_result_to_choose_on_the_page_is_a_row_of_the_table(self, analysed):
        page = (analysed.folder / "report.html").read_text(encoding="utf-8")
        text = page.split('data-kind="headline"><script type="application/json">')[1].split("</script>")[0]
        choice, table = json.loads(text), pd.read_csv(analysed.folder / "estimands.csv")
        assert list(choice["shown"]) == [
            f"piecewise_exponential/{adjustment}/{population}"
            for adjustment in ("joint", "cut")
            for population in ("all", "treated", "overlap")
        ]
        assert choice["main"] == "piecewise_exponential/joint/all"
        for key, shown in choice["shown"].items():
            _, adjustment, population = key.split("/")
            own = table[(table["adjustment"] == adjustment) & (table["prior_set"] == "default")]
            mean, ratio = (
                own[(own["estimand"] == name) & (own["population"] == of)].iloc[0]
                for name, of in (("rmst_difference", population), ("hazard_ratio", "conditional"))
            )
            numbers = [float(one["number"].split()[0].replace("\u2212", "-")) for one in shown["numbers"]]
            assert numbers[0] == pytest.approx(mean["median"], abs=0.5)
            assert numbers[2] == pytest.approx(ratio["median"], abs=0.006)
            at, of_treated = (shown["curves"][name] for name in ("time", "arms"))
            printed = own[(own["estimand"] == "survival_treated") & (own["population"] == population)].iloc[0]
            read = np.interp(printed["time"], at, [median for _, median, _ in of_treated[0]])
            assert read == pytest.approx(100 * printed["median"], abs=1.5)

    @pytest.mark.parametrize(
        "target",
        [
            "scripts.files.write_table",
            pytest.param("scripts.files.render", marks=pytest.mark.long),
            pytest.param("inference.report.gallery.survival_figure", marks=pytest.mark.long),
        ],
    )
    def test_an_interrupt_while_writing_changes_nothing(
        self, rtsurv, analysed, copied, interrupt_at, sampled, target
    ):
        before = {path.name: path.read_bytes() for path in copied.glob("*.*")}
        for path in (copied / "figures").iterdir():
            path.unlink()
        command = ("analyse", analysed.study, "--out", copied, *analysed.options)
        interrupt_at(target, 1)
        assert rtsurv(*command).code == 130
        assert {path.name: path.read_bytes() for path in copied.glob("*.*")} == before
        assert list(copied.rglob("*.part")) == []
        assert rtsurv(*command).code == 3
        assert sampled == []

    @pytest.mark.usefixtures("no_sampling")
    def test_a_review_of_one_fit_is_linked_from_the_page(self, rtsurv, analysed, copied):
        assert rtsurv("report", analysed.study, "--out", copied, "--diagnostics", "cut").code == 3
        (review,) = copied.glob("diagnostics-*.html")
        assert review.name == "diagnostics-piecewise-exponential-cut-default.html"
        assert f'href="{review.name}"' in (copied / "report.html").read_text(encoding="utf-8")
        assert review.read_text(encoding="utf-8").count("<figure>") >= 9
        assert rtsurv("report", analysed.study, "--out", copied, "--diagnostics", "matched").code == 2

    @pytest.mark.usefixtures("no_sampling")
    def test_report_is_rebuilt_without_sampling(self, rtsurv, analysed, copied):
        before = {path.name: path.read_bytes() for path in copied.glob("*.csv")}
        drawn = {path.name for path in (copied / "figures").iterdir()}
        for path in [*copied.glob("*.csv"), *(copied / "figures").iterdir(), copied / "report.html"]:
            path.unlink()
        ended = rtsurv("report", analysed.study, "--out", copied, "--quiet")
        assert (ended.code, ended.out, ended.err) == (3, "", "")
        assert {path.name: path.read_bytes() for path in copied.glob("*.csv")} == before
        assert {path.name for path in (copied / "figures").iterdir()} == drawn
        assert (copied / "report.html").is_file()

    @pytest.mark.usefixtures("no_sampling")
    def test_a_report_says_what_made_the_numbers_and_how_long_that_took(self, rtsurv, analysed, copied):
        stated = {"command": "rtsurv analyse mine", "commit": "abc", "clean": True}
        made = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
        made |= {**stated, "wall_time_seconds": {"fits": 4321.0, "figures": 9876.0}}
        (copied / "manifest.json").write_text(json.dumps(made), encoding="utf-8")
        for _ in range(2):  # the second is of what the first one wrote
            assert rtsurv("report", analysed.study, "--out", copied, "--quiet").code == 3
        again = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
        assert {key: again[key] for key in stated} == stated
        assert again["report"]["commit"] != "abc"
        assert again["wall_time_seconds"]["fits"] == 4321.0
        assert again["wall_time_seconds"]["figures"] < 4321.0
        assert "Command: rtsurv analyse mine; then " in (copied / "report.html").read_text(encoding="utf-8")

    @pytest.mark.usefixtures("no_sampling")
    def test_report_without_summaries_summarises_the_fits_again(self, rtsurv, analysed, copied):
        before = (copied / "estimands.csv").read_text(encoding="utf-8")
        shutil.rmtree(copied / "kept")
        assert rtsurv("report", analysed.study, "--out", copied).code == 3
        assert (copied / "estimands.csv").read_text(encoding="utf-8") == before

    @pytest.mark.usefixtures("no_sampling")
    def test_a_second_run_uses_the_fits_again(self, rtsurv, analysed, copied):
        before = (copied / "estimands.csv").read_bytes()
        ended = rtsurv("analyse", analysed.study, "--out", copied, "--quiet", *analysed.options)
        assert (ended.code, ended.out, ended.err) == (3, "", "")
        assert (copied / "estimands.csv").read_bytes() == before

    @pytest.mark.usefixtures("one_process")
    @pytest.mark.parametrize("which", [0, 1], ids=["main", "another"])
    def test_a_damaged_fit_is_made_again(self, rtsurv, analysed, copied, sampled, which):
        kept = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
        label, key = list(kept["fits"].items())[which]
        before = (copied / "estimands.csv").read_bytes()
        damaged = copied / "fits" / key / "fit.nc"
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 0xFF
        damaged.write_bytes(content)
        ended = rtsurv("analyse", analysed.study, "--out", copied, *analysed.options)
        assert (ended.code, ended.err) == (3, "")
        assert sampled == [label]
        assert (copied / "estimands.csv").read_bytes() == before
        assert "posterior" in TREE.read(damaged).children

    @pytest.mark.usefixtures("no_sampling")
    def test_report_of_a_damaged_fit_says_so(self, rtsurv, analysed, copied):
        kept = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
        (copied / "fits" / kept["fits"]["piecewise_exponential, cut, default"] / "fit.nc").write_bytes(b"")
        ended = rtsurv("report", analysed.study, "--out", copied)
        assert ended.code == 2
        assert "piecewise_exponential, cut, default" in ended.err
        assert f"rtsurv analyse {analysed.study}" in ended.err


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
class TestSensitivity:
    def test_every_set_and_one_by_path(self, rtsurv, analysed, copied, sampled, tmp_path):
        mine = tmp_path / "mine.toml"
        options = ("--priors", "default", "--priors", mine, "--out", copied, *analysed.options)
        effect = '[treatment_effect]\ndistribution = "Normal"\nmu = 0.0\nsigma = {}\n'
        sizes = []
        for sigma in (0.1, 0.1, 0.01):
            mine.write_text('name = "mine"\nreason = "ours"\n' + effect.format(sigma), encoding="utf-8")
            ended = rtsurv("sensitivity", analysed.study, *options)
            assert (ended.code, ended.err) == (3, "")
            sizes.append(len(sampled))
        # the analysis has fitted all sets but this one; another prior is another fit
        assert sizes == [1, 1, 2]
        assert set(sampled) == {"piecewise_exponential, joint, mine"}
        table = pd.read_csv(copied / "sensitivity.csv").set_index("prior_set")
        assert list(table.index[:1]) == ["default"]
        assert set(table.index) == {"default", "mine", "enthusiastic", "sceptical", "vague"}
        assert table.loc["mine", "prior"] == "Normal(0, 0.01)"
        assert abs(table.loc["mine", "hazard_ratio"] - 1) < 0.05
        width = table["hazard_ratio_upper"] - table["hazard_ratio_lower"]
        assert width["mine"] == width.min()
        assert (copied / "figures" / "prior-sets.svg").is_file()
        assert "Normal(0, 0.01)" in ended.out
        kept = json.loads((copied / "sensitivity-manifest.json").read_text(encoding="utf-8"))
        assert "mine.toml" in kept["inputs"]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.usefixtures("one_process")
def test_a_name_like_a_number_is_a_name(rtsurv, analysed, sampled, tmp_path):
    (tmp_path / "mine.toml").write_text('name = "007"\n', encoding="utf-8")
    options = ("--priors", tmp_path / "mine.toml", "--out", tmp_path / "out", *analysed.options)
    for again in (False, True):
        sampled.clear()
        ended = rtsurv("analyse", analysed.study, *options)
        assert (ended.code, ended.err) == (3, "")
        assert again == (not sampled)
        assert "priors: 007, unless said" in " ".join(ended.out.split())
        assert pd.read_csv(tmp_path / "out" / "estimands.csv", dtype=str)["prior_set"][0] == "007"


def test_a_drafted_study_is_the_same_cohort(rtsurv, small_study, tmp_path):
    ended = rtsurv("new-study", "mine", "--from", small_study / "cohort.csv", "--out", tmp_path)
    file = tmp_path / "mine" / "study.toml"
    assert (ended.code, ended.err) == (0, "")
    assert f"Written: {file}" in ended.out
    assert f"rtsurv analyse {file.parent}" in ended.out
    drafted, given = load_study(file), load_study(small_study)
    assert (drafted.name, drafted.time_unit) == ("mine", "months")
    assert load_cohort(drafted).sha256 == load_cohort(given).sha256


@pytest.mark.slow
def test_console_of_an_analysis(analysed):
    assert analysed.ended.code == 3
    shown = re.findall(r"^  (fail|warn|pass|info)  ", analysed.ended.out, flags=re.MULTILINE)
    assert shown[0] == "fail"
    assert shown == sorted(shown, key=("fail", "warn", "pass", "info").index)


@pytest.mark.slow
def test_report_says_failed_before_it_says_the_effect(analysed):
    page = (analysed.folder / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<(style|script|svg)\b.*?</\1>", "", page[page.index("<body") :], flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))
    failure = re.search(r"\bfail(?:s|ed)?\b", text, flags=re.IGNORECASE)
    estimate = re.search(r"hazard ratio\D{0,40}\d\.\d\d", text, flags=re.IGNORECASE)
    assert failure is not None
    assert estimate is not None
    assert failure.start() < estimate.start()


@pytest.mark.slow
def test_report_lists_failures_first(analysed):
    page = (analysed.folder / "report.html").read_text(encoding="utf-8")
    table = page[page.index('id="table-checks-shown"') :]
    table = table[: table.index("</table>")]
    shown = re.findall(r'<tr class="(\w+)">', table)
    ranks = [("fail", "warn", "pass", "info").index(status) for status in shown]
    assert ranks == sorted(ranks)
    failed = (pd.read_csv(analysed.folder / "checks.csv")["status"] == "fail").sum()
    assert shown.count("fail") == failed > 0
