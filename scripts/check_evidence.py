"""What is wrong with the published numbers of a study, and what each table is used for."""

from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, start
from scripts.options import Study_

app = App(name="check-evidence")


@app.default
def check_evidence(
    study: Study_,
    *,
    quiet: Annotated[bool, Parameter(help="Problems only.", negative="")] = False,
) -> int:
    """List all problems of a study's published numbers at once, and what each table is used for."""
    from data.errors import InputError
    from data.published.evidence import load_evidence
    from data.published.evidence_uses import reconstruction_problems, table_uses
    from data.study.study import load_study

    loaded = load_study(study)
    evidence = load_evidence(loaded, readable=True)
    problems = [*evidence.unread, *reconstruction_problems(loaded, evidence)]
    if problems:
        listed = "".join(f"\n  - {one}" for one in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{evidence.folder}: {count} in the published numbers:{listed}")
    shown = console(quiet)
    shown.print(f"{loaded.title}: every row can be read, and pseudo-patients can be drawn")
    for phase in evidence.phases:
        arms = ", ".join(f"{evidence.size(arm, phase)} {arm}" for arm in evidence.arms(phase))
        shown.print(f"Patients{'' if phase == 'before' else ' after matching'}: {arms}")
    for one in table_uses(evidence):
        shown.print(f"{one.table}: {one.rows} rows: {one.use}", soft_wrap=True)
    shown.print(f"Then: rtsurv audit {study}, rtsurv analyse {study}", soft_wrap=True)
    return DONE


if __name__ == "__main__":
    start(app)
