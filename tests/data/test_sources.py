"""Files and packages: what is read, and what each refusal says."""

from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from data.errors import InputError
from data.study.sources import load_cohort, read_table
from data.study.study import load_study


def refusal(folder) -> str:
    with pytest.raises(InputError) as error:
        load_cohort(load_study(folder))
    return str(error.value)


def test_a_csv_is_read_as_text_exactly():
    table = read_table(b'\xef\xbb\xbfa, b ,c\n01,NA,"x,y"\n1.50,,\xc3\xbc\n', "t.csv")
    assert list(table) == ["a", "b", "c"]
    assert table.to_numpy().tolist() == [["01", "NA", "x,y"], ["1.50", "", "ü"]]


def test_csv_and_parquet_give_the_same_cohort(folder, edited, frame):
    from_csv = load_cohort(load_study(folder))
    typed = frame.assign(
        **{name: pd.to_numeric(frame[name]) for name in ("time", "event", "entry", "start", "age")}
    ).astype({"grade": "category"})
    typed.to_parquet(folder / "cohort.parquet")
    from_parquet = load_cohort(load_study(edited("cohort.csv", "cohort.parquet")))
    assert from_parquet.sha256 == from_csv.sha256


def test_the_checksum_is_verified(folder, edited):
    found = sha256((folder / "cohort.csv").read_bytes()).hexdigest()
    edited('path = "cohort.csv"', f'path = "cohort.csv"\nsha256 = "{found.upper()}"')
    assert load_cohort(load_study(folder)).size == 6
    with (folder / "cohort.csv").open("a") as file:
        file.write("g,8,1,no,0,,45,III,\n")
    changed = sha256((folder / "cohort.csv").read_bytes()).hexdigest()
    text = refusal(folder)
    assert found.upper() in text
    assert changed in text


def test_a_missing_file_is_named_as_written_and_as_resolved(folder, edited):
    text = refusal(edited("cohort.csv", "sub/none.csv"))
    assert "[cohort] path 'sub/none.csv'" in text
    assert str(folder / "sub" / "none.csv") in text


def test_a_folder_is_no_cohort(folder, edited):
    (folder / "sub.csv").mkdir()
    assert "must be a readable file, but: Is a directory" in refusal(edited("cohort.csv", "sub.csv"))


def test_a_path_may_start_at_home(folder, edited, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "deep").mkdir()
    (folder / "cohort.csv").rename(folder / "deep" / "cohort.csv")
    assert load_cohort(load_study(edited("cohort.csv", "~/deep/cohort.csv"))).size == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        (b"patient,time\n", "must hold patients, but found none"),
        ("patient,time\nü,1\n".encode("latin-1"), "must be UTF-8 text, but found byte 0xfc at position 13"),
        ("patient,time\na,1\n".encode("utf-16"), "must be UTF-8 text, but found byte 0xff at position 0"),
        ("patient,time\na,1\n".encode("utf-16-le"), "must be UTF-8 text, but found byte 0x00 at position 1"),
        (
            b"patient,time\na,1\nb,2,3\n",
            "must be a comma-separated table, but: Expected 2 fields in line 3, saw 3",
        ),
        (b'patient,time\n"a,1\n', "must be a comma-separated table, but: EOF inside string"),
        (b"patient;time\na;1\n", "must be separated by commas, but found ';'"),
        (b"patient\ttime\na\t1\n", r"must be separated by commas, but found '\\t'"),
    ],
)
def test_a_csv_that_is_none_is_refused(folder, content, message):
    (folder / "cohort.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        load_cohort(load_study(folder))
    assert str(error.value).startswith(str(folder / "cohort.csv"))


def test_a_short_line_has_missing_cells(folder):
    file = folder / "cohort.csv"
    file.write_text(file.read_text() + "g,8\n")
    assert "column 'event' must be given for every patient" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 not a table PAR1", b"a,b\n1,2\n"])
def test_a_parquet_file_that_is_none_is_refused(folder, edited, content):
    (folder / "cohort.parquet").write_bytes(content)
    assert "must be a parquet file, but cannot be read" in refusal(edited("cohort.csv", "cohort.parquet"))


def test_a_damaged_parquet_file_is_refused(folder, edited, frame):
    frame.to_parquet(folder / "cohort.parquet")
    edited("cohort.csv", "cohort.parquet")
    whole = (folder / "cohort.parquet").read_bytes()
    for start in range(4, len(whole) - 8, 97):
        (folder / "cohort.parquet").write_bytes(whole[:start] + b"\xff" * 8 + whole[start + 8 :])
        message = "cohort.parquet"  # a byte that changes nothing is no damage
        try:
            load_cohort(load_study(folder))
        except InputError as error:
            message = str(error)
        assert "cohort.parquet" in message


def test_another_ending_is_refused(folder, edited):
    (folder / "cohort.xlsx").write_bytes(b"")
    assert "must be a .csv or .parquet file, but found '.xlsx'" in refusal(
        edited("cohort.csv", "cohort.xlsx")
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "no_package_of_this_name:x.csv",
            "must name an installed package, but found no 'no_package_of_this_name'",
        ),
        ("lifelines:datasets/none.csv", "must name a file inside the package 'lifelines'"),
        ("..:x.csv", "must name"),
        ("a b:x.csv", "must name"),
    ],
)
def test_a_package_without_the_file_is_refused(edited, path, message):
    edited('source = "file"', 'source = "package"')
    folder = edited('path = "cohort.csv"', f'path = "{path}"')
    with pytest.raises(InputError, match=message):
        load_cohort(load_study(folder))


def test_reconstruction_is_not_there_yet(folder, edited):
    edited('path = "cohort.csv"', "")
    text = refusal(edited('source = "file"', 'source = "reconstruction"'))
    assert text.startswith(str(folder / "study.toml"))
    assert "reconstruction" in text


def test_gbsg2_is_the_published_cohort():
    """Sizes and events as Schumacher 1994 and later analyses of these patients print them."""
    cohort = load_cohort(load_study("gbsg2"))
    assert (cohort.size, cohort.events, int(cohort.treatment.sum())) == (686, 299, 246)
    assert cohort.time.min() == 8
    assert cohort.time.max() == 2659
    assert np.median(cohort.time) == pytest.approx(1084)
    assert cohort.covariates["tgrade"].value_counts().to_dict() == {"I": 81, "II": 444, "III": 161}
    assert cohort.outcome.terms == (
        "age",
        "menostat[T.Post]",
        "tsize",
        "tgrade[T.II]",
        "tgrade[T.III]",
        "log(pnodes)",
        "log(progrec + 1)",
        "log(estrec + 1)",
    )
