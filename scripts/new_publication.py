"""The folder of a new published study."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, start

app = App(name="new-publication")


@app.default
def new_publication(
    name: Annotated[str, Parameter(help="Name of the study and of its new folder.")],
    *,
    curves: Annotated[
        tuple[Path, ...],
        Parameter(
            help="Digitised files that hold two curves, the treated first.",
            consume_multiple=True,
            negative="",
        ),
    ] = (),
    out: Annotated[Path | None, Parameter(help="Where to make the folder [here].")] = None,
    quiet: Annotated[bool, Parameter(help="Say nothing.", negative="")] = False,
) -> int:
    """Write the folder of a published study: a template of every table, and a small example that is complete."""
    from data.errors import InputError
    from data.published.digitised.checks import checked
    from data.published.digitised.into_evidence import Place, with_curve
    from data.published.new_publication import LABELS, draft_publication, two_arms
    from data.study.study import bundled_studies, load_study
    from inference.storage.atomic import write_text

    if name in bundled_studies():
        raise InputError(
            f"NAME must not be that of a bundled study, which comes first, but found '{name}'; choose another"
        )
    texts, arms = draft_publication(name), two_arms(curves) if curves else ()
    folder = (out or Path()) / name
    if (folder / "study.toml").exists():
        raise InputError(
            f"{folder / 'study.toml'}: must not be there yet, but found a study file; choose another name, or remove it"
        )
    for place, text in texts.items():
        write_text(folder / place, text)
    for label, (digitised, series) in zip(LABELS, arms, strict=False):
        place = Place("os", label, source=", ".join(file.name for file in curves))
        points = checked(series, series.name)
        found = with_curve(folder / "evidence", place, digitised, points, None, load_study(folder).time_unit)
        for path, text in found.items():
            write_text(path, text)
        if not quiet:
            console(quiet).print(f"{label}: {len(points.time)} points of a {digitised.kind}", soft_wrap=True)
    console(quiet).print(
        f"Written: {folder}, with a complete small study in {folder / 'example'}\n"
        f"Fill in {folder / 'study.toml'} and the tables in {folder / 'evidence'}; then run: rtsurv check-evidence {folder}",
        soft_wrap=True,
    )
    return DONE


if __name__ == "__main__":
    start(app)
