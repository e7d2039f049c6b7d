"""A simulated registry with a known effect, in parquet: `python docs/simulated_registry.py 5000000 registry`.

It writes two folders into the given one: `patients`, with a study file and a row for each patient, and `counts`, with the study file that
reads what `rtsurv aggregate` makes of them. Memory does not grow with the number of patients.
"""

import argparse
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.simulation.simulate import LevelCovariate, Truth, simulate_frame

PATIENTS_AT_ONCE = 250_000
REPORT = "[baseline]\ncutpoints = [12, 36, 60]\n[report]\nhorizon = 60\ntimes = [12, 36, 60]\n"
TRUTH = Truth(
    covariates={
        "age": LevelCovariate({"<50": 0.2, "50-59": 0.25, "60-69": 0.25, "70-79": 0.2, "80+": 0.1}),
        "stage": LevelCovariate({"II": 0.4, "III": 0.4, "IV": 0.2}),
        "grade": LevelCovariate({"1": 0.2, "2": 0.5, "3": 0.3}),
        "region": LevelCovariate({"north": 0.4, "middle": 0.35, "south": 0.25}),
        "nodes": LevelCovariate({"no": 0.6, "yes": 0.4}),
        "receptor": LevelCovariate({"negative": 0.3, "positive": 0.7}),
        "surgery": LevelCovariate({"no": 0.35, "yes": 0.65}),
        "sex": LevelCovariate({"female": 0.55, "male": 0.45}),
    },
    treatment={"age[T.80+]": -0.8, "stage[T.III]": 0.3, "stage[T.IV]": 0.6, "nodes[T.yes]": 0.5},
    outcome={"age[T.80+]": 0.9, "stage[T.III]": 0.4, "stage[T.IV]": 0.9, "nodes[T.yes]": 0.4, "sex[T.male]": 0.1},
    log_hazard_ratio=-0.25,
)  # fmt: skip
"""Patients in 2,160 covariate patterns; a hazard ratio of 0.78 given the covariates."""


def write_registry(size: int, folder: Path) -> None:
    """Write the patients, and the study files of patients and of counts.

    Parameters
    ----------
    size : int
        Number of patients, at least 1.
    folder : Path
        Made, with the folders `patients` and `counts` in it.
    """
    for name in ("patients", "counts"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tables = _tables(size)
    first = next(tables)
    with pq.ParquetWriter(folder / "patients" / "cohort.parquet", first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
    text = simulate_frame(TRUTH, 1, 1)[1].replace("cohort.csv", "cohort.parquet") + REPORT
    (folder / "patients" / "study.toml").write_text(text, encoding="utf-8")
    text = re.sub(r"\[cohort\.columns\].*?(?=\[treatment\])", "", text, flags=re.DOTALL)
    text = text.replace('source = "file"', 'source = "aggregate"').replace("cohort.parquet", "counts.parquet")
    (folder / "counts" / "study.toml").write_text(text, encoding="utf-8")


def _tables(size: int) -> Iterator[pa.Table]:
    """Yield the patients in parts that fit into memory; the seed of a part is its number."""
    for part, first in enumerate(range(0, size, PATIENTS_AT_ONCE), start=1):
        frame, _ = simulate_frame(TRUTH, min(PATIENTS_AT_ONCE, size - first), part)
        frame["patient"] = range(first + 1, first + len(frame) + 1)  # each part counts from 1
        yield pa.Table.from_pandas(frame, preserve_index=False)


def main() -> None:
    """Read the number of patients and the folder from the command line."""
    parser = argparse.ArgumentParser(
        description="Write a simulated registry with a known effect, in parquet."
    )
    parser.add_argument("patients", type=int)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.patients < 1:
        parser.error(f"the number of patients must be at least 1, but is {given.patients}")
    write_registry(given.patients, given.folder)


if __name__ == "__main__":
    main()
