"""What a person can get wrong ends with exit code 2, one readable message, and nothing half-written."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from data.simulation.simulate import Truth, simulate_frame

pytestmark = pytest.mark.usefixtures("no_sampling")
FRAME, STUDY = simulate_frame(Truth(latest_entry=3.0), 60, seed=4)
STUDY += "[baseline]\ncutpoints = [12, 36]\n"


def _content(folder: Path) -> dict[Path, bytes | None]:
    """Everything below a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the folder `study` of a good study in it."""
    folder = tmp_path / "study"
    folder.mkdir()
    FRAME.to_csv(folder / "cohort.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(rtsurv, here) -> Callable[..., str]:
    """Run a command that must be refused, and return its message."""

    def run(*arguments: object) -> str:
        before = _content(here)
        ended = rtsurv(*arguments)
        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith("error: ")
        assert ended.err.count("error: ") == 1
        assert "Traceback" not in ended.err
        assert _content(here) == before
        return ended.err

    return run


@pytest.mark.parametrize(
    "command",
    [
        "fit study",
        "fit study/study.toml --adjustment cut --draws 10",
        "fit study --out new/folder",
        "analyse study --quick",
        "sensitivity study",
    ],
)
def test_a_good_command_goes_on_to_sample(rtsurv, here, command):
    with pytest.raises(AssertionError, match="nothing may be sampled here"):
        rtsurv(*command.split())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("frobnicate", "frobnicate analyse fit rtsurv --help"),
        ("--frobnicate", "--frobnicate"),
        ("fit", "--study requires"),
        ("fit study again", "again rtsurv fit --help"),
        ("fit study --frob 1", "--frob rtsurv fit --help"),
        ("fit study --drows 5", "--drows --draws"),
        ("report study --draws 500", "--draws"),
        ("analyse study --adjustment none", "--adjustment"),
        ("fit study --draws", "--draws requires"),
        ("fit study --draws 500 --draws 600", "--draws multiple"),
        ("fit study --draws -5", "--draws -5 >= 1"),
        ("fit study --draws 0", "--draws 0 >= 1"),
        ("fit study --draws many", "--draws whole number many"),
        ("fit study --draws 1.5", "--draws whole number 1.5"),
        ("fit study --draws nan", "--draws whole number nan"),
        ("fit study --draws 1e3", "--draws whole number 1e3"),
        ("fit study --draws 99999999999", "--draws 99999999999 <="),
        ("fit study --draws 3", "--draws at least"),
        ("fit study --chains 1 --draws 20", "--chains x --draws 1 x 20"),
        ("analyse study --chains 50000 --draws 50000", "--chains x --draws"),
        ("sensitivity study --draws 3", "--draws at least"),
        ("fit study --chains 0", "--chains 0"),
        ("fit study --tune 0", "--tune 0"),
        ("fit study --tune x", "--tune whole number"),
        ("fit study --designs 0", "--designs 0"),
        ("fit study --seed -1", "--seed -1"),
        ("fit study --seed 99999999999", "--seed"),
        ("fit study --seed today", "--seed whole number today"),
        ("fit study --adjustment iptww", "--adjustment iptww joint cut none"),
        ("fit study --baseline cox", "--baseline cox weibull"),
        ("fit study --effect shrinking", "--effect shrinking constant"),
        ("fit study --effect by_interval --adjustment iptw", "--effect constant iptw none joint cut"),
        ("fit study --effect by_subgroup --adjustment matched", "--effect constant matched none joint cut"),
        ("fit study --effect by_subgroup", "study.toml [report] subgroups found none --effect constant"),
        ("fit study --quiet loud", "loud"),
        ("fit study --exposure sideways", "--exposure sideways naive"),
        ("fit study --exposure landmark", "study.toml --exposure landmark treatment_start"),
        ("analyse study --exposure time_split", "study.toml --exposure time_split treatment_start"),
        ("sensitivity study --exposure landmark", "study.toml --exposure landmark treatment_start"),
        ("fit studdy", "STUDY studdy bundled gbsg2"),
        ("analyse gbsg3", "STUDY gbsg3 Did you mean 'gbsg2'"),
        ("sensitivity nowhere/study.toml", "STUDY nowhere/study.toml"),
        ("report studdy", "STUDY studdy"),
        ("fit .", "study.toml none"),
        ("fit study/cohort.csv", "cohort.csv TOML"),
        ("fit study --priors nobody", "prior set nobody default sceptical vague"),
        ("fit study --priors scepticall", "prior set scepticall did you mean sceptical"),
        ("analyse study --priors nobody.toml", "prior set nobody.toml"),
        ("sensitivity study --priors default --priors nobody", "prior set nobody"),
        ("fit study --priors study", "prior set study"),
        ("fit study --priors study/study.toml", "study.toml title parameter treatment_effect"),
        ("fit study --priors study/cohort.csv", "cohort.csv TOML"),
        ("fit study --out study/study.toml", "--out study/study.toml File exists choose another"),
        ("analyse study --out study/study.toml", "--out study/study.toml File exists choose another"),
        ("sensitivity study --out study/study.toml", "--out study/study.toml File exists choose another"),
        ("fit study --out study/cohort.csv/deeper", "--out study/cohort.csv/deeper Not a directory"),
        ("analyse study --out study/cohort.csv/deeper", "--out study/cohort.csv/deeper Not a directory"),
        ("report study", "outputs/simulated manifest.json rtsurv analyse study"),
        ("report study --out study", "study manifest.json rtsurv analyse study"),
        ("report study --out study/study.toml", "study/study.toml rtsurv analyse study"),
        ("new-study", "--name requires"),
        ("new-study mine", "--from requires"),
        ("new-study Mine! --from study/cohort.csv", "NAME plain folder name Mine!"),
        ("new-study ../mine --from study/cohort.csv", "NAME plain folder name ../mine"),
        ("new-study gbsg2 --from study/cohort.csv", "NAME bundled gbsg2 choose another"),
        ("new-study mine --from nothing.csv", "nothing.csv No such file"),
        ("new-study mine --from study", "study Is a directory"),
        ("new-study mine --from study/study.toml", "study.toml .csv .parquet"),
        ("new-study study --from study/cohort.csv", "study/study.toml found a study file choose another"),
        ("new-study mine --from study/cohort.csv --out study/study.toml", "study/study.toml Not a directory"),
    ],
)  # fmt: skip
def test_arguments(refused, command, words):
    message = refused(*command.split())
    assert not [word for word in words.split() if word not in message]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="a place where nobody can write is wanted")
@pytest.mark.parametrize("verb", ["fit", "analyse", "sensitivity"])
def test_a_folder_where_nobody_can_write(refused, verb):
    message = refused(verb, "study", "--out", "/proc/here")
    assert "--out" in message
    assert "/proc/here" in message


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"analysis": 1, "settings": {}}', "\xff", "{"])
def test_report_of_something_else(refused, here, manifest):
    (here / "there").mkdir()
    (here / "there" / "manifest.json").write_bytes(manifest.encode("latin-1"))
    message = refused("report", "study", "--out", "there")
    assert "there: must hold an analysis" in message
    assert "rtsurv analyse study" in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "simulated"', 'name = "simulated', "TOML line"),
        ('name = "simulated"', "name = simulated", "TOML line"),
        ('name = "simulated"', 'name = "My Study"', "name plain folder name 'My Study'"),
        ('name = "simulated"', 'name = "../up"', "name plain folder name"),
        ('name = "simulated"', "name = 7", "name text 7"),
        ('name = "simulated"', "", "name missing add"),
        ('time_unit = "months"', 'time_units = "months"', "time_units Did you mean 'time_unit' time_unit missing"),
        ('time_unit = "months"', 'time_unit = ""', "time_unit must not be empty"),
        ("[cohort.columns]", "[cohort.colums]", "[cohort] colums columns"),
        ('source = "file"', 'source = "files"', "[cohort] source 'files'"),
        ('source = "file"', 'source = "reconstruction"', "[cohort] path reconstruction"),
        ('source = "file"\npath = "cohort.csv"', 'source = "reconstruction"', "[cohort] reconstruction source = 'file'"),
        ('source = "file"\npath = "cohort.csv"', 'source = "package"\npath = "no_such_package:cohort.csv"', "[cohort] path no_such_package install"),
        ('source = "file"\npath = "cohort.csv"', 'source = "package"\npath = "lifelines:no.csv"', "[cohort] path lifelines no.csv"),
        ('source = "file"\npath = "cohort.csv"', 'source = "package"\npath = "cohort.csv"', "[cohort] package:folder/file.csv"),
        ('path = "cohort.csv"', "", "[cohort] path add"),
        ('path = "cohort.csv"', 'path = "nothing.csv"', "[cohort] path nothing.csv No such file"),
        ('path = "cohort.csv"', 'path = "."', "[cohort] path Is a directory"),
        ('path = "cohort.csv"', 'path = "study.toml"', "study.toml .csv .parquet"),
        ('path = "cohort.csv"', 'path = "cohort.csv"\nsha256 = "12"', "[cohort] sha256 64 hexadecimal"),
        ('path = "cohort.csv"', f'path = "cohort.csv"\nsha256 = "{"0" * 64}"', "[cohort] sha256 cohort.csv correct"),
        ('event = "died"', "", "[cohort.columns] event missing"),
        ('event = "died"', 'event = "dead"', "cohort.csv column 'dead' [cohort.columns] event missing"),
        ('event = "died"', 'event = "therapy"', "[cohort] columns therapy once"),
        ('event = "died"', "event = 1", "[cohort.columns] event text"),
        ('treated = "yes"', 'treated = "yess"', "therapy 'yess' did you mean"),
        ('treated = "yes"', "", "[treatment] treated missing"),
        ('treated = "yes"', 'treated = ["yes"]', "[treatment] treated text"),
        ("age = {}", "age = 1", "[covariates] age table"),
        ("age = {}", "age = {levels = [1]}", "[covariates.age] levels at least 2"),
        ("age = {}", 'age = {kind = "number"}', "[covariates.age] kind levels unit label"),
        ("age = {}", "agee = {}", "[propensity] formula age declare"),
        ("age = {}", "age = {}\ndied = {}", "[covariates] died event"),
        ('"III"]', '"II"]', "[covariates] grade levels II"),
        (', "III"]', "]", "cohort.csv grade levels 'III'"),
        ('[outcome]\nformula = "age + grade"', '[outcome]\nformula = "age +"', "[outcome] formula 'age +'"),
        ('[outcome]\nformula = "age + grade"', '[outcome]\nformula = "age + stage"', "[outcome] formula stage age"),
        ('[outcome]\nformula = "age + grade"', '[outcome]\nformula = "0 + age"', "[outcome] formula intercept"),
        ('[outcome]\nformula = "age + grade"', '[outcome]\nformula = "log(age - 60)"', "[outcome] formula age"),
        ('[outcome]\nformula = "age + grade"', "[outcome]\nformula = 1", "[outcome] formula text"),
        ("cutpoints = [12, 36]", "cutpoints = [12, 900]", "[baseline] cutpoints 900 remove"),
        ("cutpoints = [12, 36]", "cutpoints = [36, 12]", "[baseline] cutpoints increase"),
        ("cutpoints = [12, 36]", "cutpoints = [0, 12]", "[baseline] cutpoints above 0"),
        ("cutpoints = [12, 36]", "cutpoints = [12, nan]", "[baseline] cutpoints finite"),
        ("cutpoints = [12, 36]", 'cutpoints = "12"', "[baseline] cutpoints list"),
        ("cutpoints = [12, 36]", "cutpoints = [12]\nintervals = 3", "[baseline] cutpoints intervals remove"),
        ("cutpoints = [12, 36]", "intervals = 0", "[baseline] intervals at least 1"),
        ("cutpoints = [12, 36]", "intervals = 2.5", "[baseline] intervals whole"),
        ("cutpoints = [12, 36]", 'smoothing = "spline"', "[baseline] smoothing random_walk"),
        ("[baseline]", "[report]\nhorizon = 900\n[baseline]", "[report] horizon follow-up 900 earlier"),
        ("[baseline]", "[report]\ntimes = [12, 900]\n[baseline]", "[report] times follow-up 900 earlier"),
        ("[baseline]", "[report]\nhorizon = -1\n[baseline]", "[report] horizon above 0"),
        ("[baseline]", "[report]\ntimes = [24, 12]\n[baseline]", "[report] times increase"),
        ("[baseline]", '[report]\nsubgroups = ["bone"]\n[baseline]', "[report] subgroups bone grade"),
        ("[baseline]", "[reports]\nhorizon = 12\n[baseline]", "reports Did you mean 'report'"),
        ("[baseline]", "[baseline]\n[baseline]", "TOML"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["fit", "analyse"])
def test_study_file(refused, here, verb, old, new, words):
    file = here / "study" / "study.toml"
    assert old in STUDY
    file.write_text(STUDY.replace(old, new, 1), encoding="utf-8")
    message = refused(verb, "study")
    assert "study.toml" in message or "cohort.csv" in message
    assert not [word for word in words.split() if word not in message]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"name = '\xe9'", "name = 'x'".encode("utf-16"), b"", b"\x00"]
)
def test_study_file_that_is_no_text(refused, here, content):
    (here / "study" / "study.toml").write_bytes(content)
    assert "study.toml" in refused("fit", "study")


@pytest.fixture
def with_starts(here):
    """The study, with the times at which treatment began."""
    starts = FRAME.assign(start=(FRAME["survival_months"] / 2).where(FRAME["therapy"] == "yes"))
    starts.to_csv(here / "study" / "cohort.csv", index=False)
    text = STUDY.replace('id = "patient"', 'id = "patient"\ntreatment_start = "start"')
    (here / "study" / "study.toml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("with_starts")
@pytest.mark.parametrize("verb", ["fit", "analyse", "sensitivity"])
@pytest.mark.parametrize(
    "exposure",
    [
        (),
        ("--exposure", "time_split"),
        ("--exposure", "naive"),
        ("--exposure", "landmark", "--landmark", "12"),
    ],
)
def test_start_times_run_under_every_exposure(rtsurv, verb, exposure):
    with pytest.raises(AssertionError, match="nothing may be sampled here"):
        rtsurv(verb, "study", *exposure)


@pytest.mark.usefixtures("with_starts")
@pytest.mark.parametrize(
    ("exposure", "words"),
    [
        ("--exposure landmark", "study.toml --landmark TIME none"),
        ("--exposure naive --landmark 2", "--landmark --exposure landmark"),
        ("--exposure landmark --landmark 9999", "landmark 9999"),
    ],
)
def test_a_landmark_must_be_one_time_with_patients_after_it(refused, exposure, words):
    message = refused("fit", "study", *exposure.split())
    assert not [word for word in words.split() if word not in message]


GOOD = '[treatment_effect]\ndistribution = "Normal"\nmu = 0.0\nsigma = 1.0\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "mine', "TOML"),
        (GOOD, "name begin"),
        ("name = 3\n" + GOOD, "name text 3"),
        ('name = "mine"\nreason = 4\n' + GOOD, "reason text 4"),
        ('name = "mine"\nauthor = "me"\n' + GOOD, "author parameter treatment_effect"),
        ('name = "mine"\n' + GOOD.replace("effect", "efect"), "treatment_efect did you mean treatment_effect"),
        ('name = "mine"\n' + GOOD.replace("Normal", "Norml"), "[treatment_effect] distribution Norml did you mean Normal"),
        ('name = "mine"\n' + GOOD.replace('distribution = "Normal"', ""), "[treatment_effect] distribution nothing"),
        ('name = "mine"\n' + GOOD.replace("Normal", "HalfNormal"), "[treatment_effect] mu HalfNormal sigma"),
        ('name = "mine"\n[treatment_effect]\ndistribution = "HalfNormal"\nsigma = 1', "[treatment_effect] any real value Normal HalfNormal"),
        ('name = "mine"\n[weibull_shape]\ndistribution = "Normal"\nmu = 1\nsigma = 1', "[weibull_shape] positive Gamma Normal"),
        ('name = "mine"\n' + GOOD.replace("1.0", "-1.0"), "[treatment_effect] sigma above 0 -1.0"),
        ('name = "mine"\n' + GOOD.replace("1.0", "0"), "[treatment_effect] sigma above 0"),
        ('name = "mine"\n' + GOOD.replace("1.0", "inf"), "[treatment_effect] sigma finite inf"),
        ('name = "mine"\n' + GOOD.replace("1.0", "nan"), "[treatment_effect] sigma finite nan"),
        ('name = "mine"\n' + GOOD.replace("1.0", '"1"'), "[treatment_effect] sigma finite '1'"),
        ('name = "mine"\n' + GOOD.replace("1.0", "true"), "[treatment_effect] sigma finite True"),
        ('name = "mine"\n' + GOOD.replace("sigma = 1.0", ""), "[treatment_effect] sigma nothing"),
        ('name = "mine"\n' + GOOD + "sd = 1", "[treatment_effect] sd Normal sigma"),
        ('name = "mine"\n' + GOOD + "reason = 1", "[treatment_effect] reason text"),
        ('name = "mine"\ntreatment_effect = 0.0', "treatment_effect table [treatment_effect]"),
        ('name = "mine"\n' + GOOD.replace("[treatment_effect]", '[treatment_effect."age"]'), "treatment_effect terms age"),
        ('name = "mine"\n' + GOOD.replace("[treatment_effect]", '[outcome_coefficients."grade[T.IV]"]'), 'outcome_coefficients "grade[T.IV]" term grade[T.III] age'),
        ('name = "mine"\n' + GOOD.replace("[treatment_effect]", '[propensity_coefficients."bone"]'), 'propensity_coefficients "bone" term grade[T.III]'),
        ('name = "mine"\n' + GOOD + GOOD, "TOML"),
        ("\xff", "mine.toml UTF-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["fit", "analyse", "sensitivity"])
def test_prior_file(refused, here, verb, text, words):
    (here / "mine.toml").write_bytes(text.encode("latin-1"))
    message = refused(verb, "study", "--priors", "mine.toml")
    assert "mine.toml" in message
    assert not [word for word in words.split() if word not in message]


@pytest.mark.parametrize("verb", ["analyse", "sensitivity"])
def test_a_bad_prior_set_in_the_folder_of_the_study(refused, here, verb):
    (here / "study" / "priors").mkdir()
    (here / "study" / "priors" / "own.toml").write_text("name = 3\n", encoding="utf-8")
    assert "study/priors/own.toml: name" in refused(verb, "study")


@pytest.mark.parametrize(
    ("first", "second"), [("default", "mine.toml"), ("mine.toml", "theirs.toml"), ("vague", "mine.toml")]
)
def test_two_prior_sets_of_one_name(refused, here, first, second):
    name = "mine" if first == "mine.toml" else "default"
    (here / "mine.toml").write_text(f'name = "{name}"\n{GOOD}', encoding="utf-8")
    (here / "theirs.toml").write_text(f'name = "{name}"\n{GOOD.replace("1.0", "2.0")}', encoding="utf-8")
    message = refused("sensitivity", "study", "--priors", first, "--priors", second)
    assert f"'{name}'" in message
    assert second in message
    assert "change one of the two" in message


# Cohorts that are broken in one cell, column or byte.
Rows = list[list[str]]
HEADER = list(FRAME.columns)
CELLS = FRAME.astype(str).to_numpy().tolist()
LINES = st.lists(st.integers(0, len(FRAME) - 1), min_size=1, max_size=8, unique=True)
MISSING = ["", " ", "NA", "nan", "N/A", ".", "null"]
INFINITE = ["inf", "-inf", "Infinity", "1e999"]
WORDS = ["twelve", "12 months", "1_000", "12,5", "#REF!", "<b>", "é", "0x1F", "--3"]
WRONG_CELLS = {
    "survival_months": [*MISSING, *INFINITE, *WORDS, "0", "-1", "-0.5", "0.0"],
    "died": [*MISSING, *WORDS, "2", "-1", "0.5", "maybe"],
    "therapy": [*MISSING[:-1], "perhaps", "YES?", "2"],
    "entry": [*MISSING, *INFINITE, *WORDS, "-1", "-0.001"],
    "age": [*MISSING, *INFINITE, *WORDS],
    "grade": [*MISSING, *WORDS, "IV", "1", "i", "I I"],
    "patient": [*MISSING],
}


@st.composite
def wrong_cells(draw: st.DrawFn) -> tuple[Rows, list[str]]:
    """A table with wrong cells in one to three columns, and those columns."""
    rows = [list(row) for row in CELLS]
    columns = draw(st.lists(st.sampled_from(list(WRONG_CELLS)), min_size=1, max_size=3, unique=True))
    for column in columns:
        kinds = st.sampled_from(WRONG_CELLS[column])
        for line in draw(LINES):
            rows[line][HEADER.index(column)] = draw(kinds)
    return [HEADER, *rows], columns


@st.composite
def wrong_columns(draw: st.DrawFn) -> tuple[Rows, list[str]]:
    """A table that is wrong as a whole in one column, and that column."""
    rows = [[*row] for row in CELLS]
    header = [*HEADER]
    kind = draw(st.sampled_from(["one arm", "no event", "entry", "twice", "dropped", "renamed", "repeated"]))
    event(kind)
    column = draw(st.sampled_from(header))
    if kind == "one arm":
        column, only = "therapy", draw(st.sampled_from(["yes", "no"]))
        rows = [row for row in rows if row[header.index(column)] == only]
    elif kind == "no event":
        column = "died"
        for row in rows:
            row[header.index(column)] = "0"
    elif kind == "entry":
        column = "entry"
        later = draw(st.sampled_from([0.0, 1e-9, 5.0]))
        for line in draw(LINES):
            rows[line][header.index(column)] = str(float(rows[line][header.index("survival_months")]) + later)
    elif kind == "twice":
        column = "patient"
        for line in draw(LINES):
            rows[line][0] = rows[line - 1][0]
    else:
        place = header.index(column)
        if kind == "dropped":
            header, rows = (
                header[:place] + header[place + 1 :],
                [row[:place] + row[place + 1 :] for row in rows],
            )
        elif kind == "renamed":
            header[place] = draw(st.sampled_from([column.upper(), f"{column}_2", "", "é", "x" * 300]))
        else:
            header, rows = [*header, column], [[*row, row[place]] for row in rows]
    return [header, *rows], [column]


def _csv(rows: Rows, separator: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


WHOLE = _csv([HEADER, *CELLS])
BYTES = st.one_of(
    st.sampled_from(["utf-16", "utf-32", "utf-16-be"]).map(WHOLE.encode),
    st.sampled_from(["latin-1", "cp1252"]).map(WHOLE.replace("III", "Dé").encode),
    st.integers(0, len(WHOLE)).map(lambda at: WHOLE.encode()[:at] + b"\x00" + WHOLE.encode()[at:]),
    st.tuples(st.integers(0, len(WHOLE)), st.integers(0x80, 0xFF)).map(
        lambda at: WHOLE.encode()[: at[0]] + bytes([at[1]]) + WHOLE.encode()[at[0] :]
    ),
    st.sampled_from([";", "\t", "|"]).map(lambda mark: _csv([HEADER, *CELLS], mark).encode()),
    st.just(b""),
    st.just(b"\n"),
    st.just((",".join(HEADER) + "\n").encode()),
    st.just(WHOLE.replace("\nP00003", ",surplus\nP00003").encode()),
    st.just(WHOLE.replace("yes", '"yes', 1).encode()),
    st.binary(min_size=1, max_size=60).map(lambda noise: b"PAR1" + noise),
)


@pytest.fixture(scope="module")
def broken_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study whose cohort is written anew for every example."""
    folder = tmp_path_factory.mktemp("broken") / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


class TestCohort:
    def _refused(self, rtsurv, study: Path, content: bytes) -> str:
        file = study / "cohort.csv"
        file.write_bytes(content)
        before = _content(study.parent)
        ended = rtsurv("fit", study, "--out", study.parent / "out")
        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith(f"error: {file}: ")
        assert ended.err.count("error: ") == 1
        assert "Traceback" not in ended.err
        assert _content(study.parent) == before
        return ended.err

    # the fixture that refuses sampling holds for all examples alike
    given_often = settings(
        max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )

    @given_often
    @given(broken=wrong_cells())
    def test_cells(self, rtsurv, broken_study, broken):
        rows, columns = broken
        message = self._refused(rtsurv, broken_study, _csv(rows).encode())
        assert not [column for column in columns if f"column '{column}'" not in message]

    @given_often
    @given(broken=wrong_columns())
    def test_columns(self, rtsurv, broken_study, broken):
        rows, columns = broken
        message = self._refused(rtsurv, broken_study, _csv(rows).encode())
        assert f"column '{columns[0]}'" in message

    @given_often
    @given(content=BYTES)
    def test_bytes(self, rtsurv, broken_study, content):
        self._refused(rtsurv, broken_study, content)

    @pytest.mark.parametrize("name", ["cohort.parquet", "cohort.xlsx", "cohort"])
    @pytest.mark.parametrize("content", [b"", b"PAR1", WHOLE.encode()])
    def test_other_files(self, refused, here, name, content):
        (here / "study" / name).write_bytes(content)
        text = STUDY.replace('"cohort.csv"', f'"{name}"')
        (here / "study" / "study.toml").write_text(text, encoding="utf-8")
        assert f"{name}: " in refused("fit", "study")
        assert f"{name}: " in refused("new-study", "mine", "--from", f"study/{name}")

    def test_a_parquet_file_is_checked_alike(self, refused, here):
        frame = FRAME.assign(survival_months=FRAME["survival_months"].where(FRAME.index != 3, -1.0))
        frame.to_parquet(here / "study" / "cohort.parquet")
        text = STUDY.replace('"cohort.csv"', '"cohort.parquet"')
        (here / "study" / "study.toml").write_text(text, encoding="utf-8")
        message = refused("fit", "study")
        assert "cohort.parquet" in message
        assert "column 'survival_months' must be above 0" in message
        assert "found in 1 row: row 4 (patient P00004): -1" in message

    def test_all_problems_are_in_one_message(self, refused, here):
        frame = FRAME.astype(object)
        frame.loc[0, "survival_months"], frame.loc[1, "died"], frame.loc[2, "grade"] = -1, 7, "IV"
        frame.to_csv(here / "study" / "cohort.csv", index=False)
        message = refused("analyse", "study")
        assert "3 problems in the cohort" in message
        for column, row in (("survival_months", 1), ("died", 2), ("grade", 3)):
            line = next(line for line in message.splitlines() if f"column '{column}'" in line)
            assert f"row {row} (patient P0000{row})" in line
