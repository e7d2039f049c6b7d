"""The command `rtsurv`."""

from importlib.metadata import version

from cyclopts import App

from scripts import (
    aggregate,
    analyse,
    audit,
    benchmark,
    calibrate,
    check_evidence,
    fit,
    import_curve,
    new_publication,
    new_study,
    reconstruct,
    replicate,
    report,
    sensitivity,
)
from scripts.console import start

app = App(
    name="rtsurv",
    help="Bayesian re-analysis of observational survival studies with a treatment that was not randomised.",
    version=lambda: version("rtsurv"),
)
for verb in (
    analyse,
    fit,
    audit,
    reconstruct,
    replicate,
    sensitivity,
    report,
    new_study,
    aggregate,
    new_publication,
    import_curve,
    check_evidence,
    benchmark,
    calibrate,
):
    app.command(verb.app)


def main() -> None:
    """Run the command line."""
    start(app)


if __name__ == "__main__":
    main()
