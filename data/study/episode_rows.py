"""Tables with a row for each stretch of time: one row for each patient of them, as every other part expects."""

import numpy as np
import pandas as pd

from data.errors import InputError
from data.study.cell_checks import FALSE, TRUE
from data.study.cells import canonical, known_numbers, numbers, texts
from data.study.close_times import equal_times
from data.study.study import Study

EXAMPLES = 5


def patients_of_episodes(frame: pd.DataFrame, study: Study, origin: str) -> pd.DataFrame:
    """Return one row for each patient of a table of episodes (counting-process rows: start, stop, event, treatment).

    A patient's first row gives the entry and the covariates, the last one the time and the event, the first one in which
    the patient is treated the start of treatment.

    Parameters
    ----------
    frame : DataFrame
        One row for each episode, a patient's rows anywhere in it.
    study : Study
        Its `entry` and `time` name start and stop of an episode; `treatment_start` names the column that is made.
    origin : str
        Where the table comes from, for messages.

    Raises
    ------
    InputError
        Where columns are missing, a patient's episodes do not follow each other without gaps, an event is not in the
        last one, or treatment ends.
    """
    roles = study.cohort.columns
    assert roles.id, "checked with the study file"
    assert roles.entry, "checked with the study file"
    assert roles.treatment_start, "checked with the study file"
    frame = frame.rename(columns=lambda name: str(name).strip()).reset_index(drop=True)
    needed = (roles.id, roles.entry, roles.time, roles.event, roles.treatment)
    missing = [name for name in needed if name not in frame]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise InputError(f"{origin}: must have the columns {', '.join(missing)}, but found {found}")
    event, arm = texts(frame[roles.event]).fillna("").str.lower(), texts(frame[roles.treatment])
    rows = pd.DataFrame(
        {
            "patient": texts(frame[roles.id]),
            "start": known_numbers(numbers(frame[roles.entry])),
            "stop": known_numbers(numbers(frame[roles.time])),
            "event": event.isin(TRUE),
            "treated": arm == canonical(study.treatment.treated),
        }
    )
    rows[["start", "stop"]] = equal_times(rows[["start", "stop"]].to_numpy())
    others = sorted(set(arm.dropna()) - {canonical(study.treatment.treated)})
    _refuse(rows["patient"].isna(), rows, "say whose they are", origin)
    _refuse(arm.isna() | arm.isin(others[1:]), rows, "hold one of two treatments", origin)
    _refuse(
        ~event.isin(TRUE) & ~event.isin(FALSE), rows, "say whether they end in the event (0 or 1)", origin
    )
    _refuse(rows["start"].isna() | rows["stop"].isna(), rows, "give start and stop as numbers", origin)
    _refuse(rows["stop"] <= rows["start"], rows, "stop after they start", origin)
    order = rows.sort_values(["patient", "start"], kind="stable").index
    rows = rows.loc[order]
    same = rows["patient"].eq(rows["patient"].shift())
    last = ~rows["patient"].eq(rows["patient"].shift(-1))
    _refuse(same & (rows["start"] != rows["stop"].shift()), rows, "follow each other without a gap", origin)
    _refuse(rows["event"] & ~last, rows, "end with the event, if there is one", origin)
    _refuse(
        same & rows["treated"].shift(fill_value=False) & ~rows["treated"],
        rows,
        "stay treated once treated",
        origin,
    )
    began = rows[rows["treated"]].groupby("patient")["start"].min()
    first, final = rows[~same], rows[last]
    patients = frame.loc[final.index].reset_index(drop=True)
    names = final["patient"].to_numpy()
    patients[roles.entry] = first["start"].to_numpy()
    patients[roles.treatment_start] = began.reindex(names).to_numpy()
    shown = frame.loc[first.index].reset_index(drop=True)
    for name in study.covariates:
        if name in patients:
            patients[name] = shown[name]
    return patients.iloc[np.argsort(first.index.to_numpy(), kind="stable")].reset_index(drop=True)


def _refuse(wrong: pd.Series, rows: pd.DataFrame, must: str, origin: str) -> None:
    """Raise InputError that names the first patients whose episodes are not as they must be."""
    if not wrong.any():
        return
    found = rows.loc[wrong, "patient"].astype(str).unique()
    named = ", ".join(found[:EXAMPLES]) + (", ..." if len(found) > EXAMPLES else "")
    raise InputError(
        f"{origin}: the rows of a patient must {must}, but found {int(wrong.sum())} that do not, of {named}; correct them"
    )
