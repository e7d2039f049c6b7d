"""A study file for a table of one's own."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, start

app = App(name="new-study")


@app.default
def new_study(
    name: Annotated[str, Parameter(help="Name of the study and of its new folder.")],
    *,
    from_: Annotated[
        Path, Parameter(name="--from", help="A csv or parquet file with one row for each patient.")
    ],
    out: Annotated[Path | None, Parameter(help="Where to make the folder [here].")] = None,
    quiet: Annotated[bool, Parameter(help="Say nothing.", negative="")] = False,
) -> int:
    """Write a commented study file from the columns found in a table."""
    from data.errors import InputError
    from data.study.new_study import draft_study
    from data.study.study import bundled_studies
    from inference.storage.atomic import write_text

    if name in bundled_studies():
        raise InputError(
            f"NAME must not be that of a bundled study, which comes first, but found '{name}'; choose another"
        )
    text = draft_study(from_, name)
    file = (out or Path()) / name / "study.toml"
    if file.exists():
        raise InputError(
            f"{file}: must not be there yet, but found a study file; choose another name, or remove it"
        )
    write_text(file, text)
    shown = console(quiet)
    shown.print(
        f"Written: {file}\nRead it and mend the guesses; then run: rtsurv analyse {file.parent}",
        soft_wrap=True,
    )
    return DONE


if __name__ == "__main__":
    start(app)
