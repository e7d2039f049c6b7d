"""One fit in a notebook: `marimo edit docs/gbsg2_notebook.py`, or run it as a script."""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import arviz as az
    import marimo as mo

    from data import load_cohort, load_study
    from inference import checks_of, estimands_of, fit, plot

    return az, checks_of, estimands_of, fit, load_cohort, load_study, mo, plot


@app.cell
def _(load_cohort, load_study):
    study = load_study("gbsg2")
    cohort = load_cohort(study)
    return cohort, study


@app.cell
def _(cohort, fit, study):
    posterior = fit(study, cohort)  # half a minute: compiled once, then a second for each further fit
    return (posterior,)


@app.cell
def _(cohort, mo, study):
    mo.md(f"""
    # {study.title}

    {study.question} {cohort.size} patients, {cohort.events} events. Treatment was not randomised: the model of the outcome and
    the propensity score are fitted together (`joint`). A hazard ratio below 1 means that treatment helps.
    """)
    return


@app.cell
def _(estimands_of, posterior):
    table = estimands_of(posterior)
    table[["estimand", "population", "time", "median", "lower", "upper", "probability_of_benefit", "rhat"]]
    return (table,)


@app.cell
def _(cohort, plot, posterior):
    curves = plot(cohort, posterior)
    curves
    return (curves,)


@app.cell
def _(checks_of, mo, posterior):
    checks = checks_of(posterior)
    mo.vstack([mo.md("Checks that did not pass:"), checks[checks["status"] != "pass"]])
    return (checks,)


@app.cell
def _(az, posterior):
    traces = az.plot_trace_dist(posterior, var_names=["treatment_effect"], backend="matplotlib")
    traces.viz["figure"].item()
    return (traces,)


@app.cell
def _(cohort, fit, study):
    sceptical = fit(study, cohort, priors="sceptical")
    return (sceptical,)


@app.cell
def _(az, posterior, sceptical):
    both = az.plot_forest(
        {
            name: one["posterior"].to_dataset()[["treatment_effect"]]
            for name, one in {"default": posterior, "sceptical": sceptical}.items()
        },
        combined=True,
        backend="matplotlib",
    )
    both.viz["figure"].item()
    return (both,)


if __name__ == "__main__":
    app.run()
