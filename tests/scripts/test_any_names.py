"""A whole fit under names as exports have them: the same numbers as under plain names."""

import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from data.simulation.simulate import Truth, simulate_frame

AWKWARD = {
    "age": "age.dx",
    "grade": "T/N",
    "survival_months": "OS (months)",
    "died": "Δ|died",
    "therapy": "1",
}
SHORT = ("--quick", "--chains", "2", "--draws", "20", "--tune", "20", "--quiet")


@pytest.mark.slow
@pytest.mark.long
def test_names_and_files_change_no_number_of_a_fit(rtsurv, tmp_path):
    frame, text = simulate_frame(Truth(), 120, seed=11)
    tables = []
    for folder, names in (("plain", {}), ("awkward", AWKWARD)):
        place = tmp_path / folder
        place.mkdir()
        written = text
        if names:
            written = text.replace('"cohort.csv"', '"cohort.parquet"')
            written = written.replace('"age + grade"', '"`age.dx` + `T/N`"')
            for name, new in names.items():
                written = written.replace(f'"{name}"', f'"{new}"')
                written = written.replace(f"\n{name} = {{", f'\n"{new}" = {{')
            frame.rename(columns=names).set_index("patient").to_parquet(place / "cohort.parquet")
        else:
            frame.to_csv(place / "cohort.csv", index=False)
        (place / "study.toml").write_text(written, encoding="utf-8")
        made = rtsurv("fit", place, "--out", place / "out", *SHORT)
        assert made.code in (0, 3), made.err  # so few draws fail the checks of convergence
        tables.append(pd.read_csv(place / "out" / "estimands.csv"))
        assert (place / "out" / "figures" / "trace.svg").is_file()
    plain, awkward = tables
    pd.testing.assert_frame_equal(awkward, plain)
    assert_array_equal(awkward["mean"], plain["mean"])
