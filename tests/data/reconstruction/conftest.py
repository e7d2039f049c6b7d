"""li2024, its published numbers, and two cohorts of pseudo-patients drawn from them; publications of simulated patients."""

from itertools import count

import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test

from data.published.evidence import load_evidence
from data.published.reconstruction import reconstruct
from data.study.study import load_study

SEED = 20240101


@pytest.fixture(scope="session")
def made(li2024, evidence):
    """Two cohorts, drawn in this process."""
    return reconstruct(li2024, evidence, 2, SEED, workers=1)


@pytest.fixture(scope="session")
def with_counts(with_rows):
    """Evidence with another count in one cell of Table 1."""

    def change(evidence, column, value, arm, phase, count):
        of = {"column": column, "value": value, "arm": arm, "phase": phase}
        return with_rows(evidence, "counts", {"count": count}, **of)

    return change


@pytest.fixture(scope="session")
def published(tmp_path_factory, write_publication):
    """Return a function that writes the summaries of patients as a paper prints them, and reads them: study and evidence."""
    folder, number = tmp_path_factory.mktemp("published"), count()

    def write(frame, covariates, printed, phase="after", times=(12, 24, 48)):
        """Print `printed` covariates in Cox tables of a phase; `covariates` maps each to its levels."""
        rows = {
            "baseline.csv": _table_1(frame, covariates),
            "survival.csv": _survival(frame, times),
            "cox.csv": _cox(frame, covariates, printed, phase),
        }
        names = '[arms]\ntreated = "A"\ncontrol = "B"\n[variables]\n'
        names += "".join(f'{name} = "{name}"\n' for name in covariates)
        terms = [(name, level) for name in printed for level in covariates[name][1:]]
        for column, level in (*terms, ("treatment", "1")):
            names += f'[[cox]]\nvariable = "{column}"\nlevel = "{level}"\ncolumn = "{column}"\nlevels = ["{level}"]\n'
        tables = {
            file: pd.DataFrame(lines[1:], columns=lines[0]).to_csv(index=False)
            for file, lines in rows.items()
        }
        study = load_study(write_publication(folder / str(next(number)), names, tables, **covariates))
        return study, load_evidence(study)

    return write


ARMS = {1: "A", 0: "B"}


def _phases(frame):
    return {"before": frame, "after": frame[frame["matched"] == 1]}


def _table_1(frame, covariates):
    rows = [["variable", "level", "multi_label", "arm", "phase", "n_arm", "count", "percent_printed"]]
    rows[0] += ["p_printed", "p_scope", "source"]
    for phase, inside in _phases(frame).items():
        for arm, label in ARMS.items():
            own = inside[inside["treatment"] == arm]
            for name, levels in covariates.items():
                for level in levels:
                    held = int((own[name] == level).sum())
                    rows.append([name, level, 0, label, phase, len(own), held, "", "", "", "table 1"])
    return rows


def _survival(frame, times):
    rows = [["arm", "phase", "quantity", "op", "value", "lower", "upper", "unit", "section"]]

    def add(arm, phase, quantity, value, unit, operator="="):
        rows.append([arm, phase, quantity, operator, value, "", "", unit, "results"])

    for phase, inside in _phases(frame).items():
        add("all", phase, "n", len(inside), "patients")
        add("all", phase, "deaths", inside["event"].sum(), "patients")
        reverse = KaplanMeierFitter().fit(inside["time"], inside["event"] == 0)
        add("all", phase, "median_followup", f"{reverse.median_survival_time_:.1f}", "months")
        for arm, label in ARMS.items():
            own = inside[inside["treatment"] == arm]
            add(label, phase, "n", len(own), "patients")
            curve = KaplanMeierFitter().fit(own["time"], own["event"])
            add(label, phase, "median_os", f"{curve.median_survival_time_:.1f}", "months")
            for time in times:
                add(label, phase, f"survival_{time}m", f"{100 * curve.predict(time):.1f}", "percent")
        one, other = (inside[inside["treatment"] == arm] for arm in (1, 0))
        p = logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value
        bound = p < 0.0001
        add("A_vs_B", phase, "logrank_p", "0.0001" if bound else f"{p:.4f}", "p", "<" if bound else "=")
    return rows


def _cox(frame, covariates, printed, phase):
    """Univariable rows of every printed covariate and the treatment, and one multivariable fit of all of them."""
    rows = [["model", "phase", "variable", "level", "reference", "hr", "lower", "upper", "p_printed"]]
    rows[0] += ["source"]
    inside = _phases(frame)[phase]
    fits = [[(name, level) for level in covariates[name][1:]] for name in printed] + [[("treatment", "1")]]
    models = [("univariable", terms) for terms in fits] + [
        ("multivariable", [term for terms in fits for term in terms])
    ]
    for model, terms in models:
        design = pd.DataFrame({term: (inside[term[0]].astype(str) == term[1]) * 1.0 for term in terms})
        design.columns = [" ".join(term) for term in terms]
        fitted = CoxPHFitter().fit(design.assign(time=inside["time"], event=inside["event"]), "time", "event")
        for column, level in terms:
            row = fitted.summary.loc[f"{column} {level}"]
            ends = ("exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%")
            numbers = [f"{row[name]:.3f}" for name in ends]
            p = f"{row['p']:.3f}" if row["p"] >= 0.001 else "<0.001"
            rows.append([model, phase, column, level, "none", *numbers, p, "table 2"])
    return rows
