"""Do the counts of Table 1 add up, and does the text speak of as many patients."""

from collections import defaultdict
from collections.abc import Iterator

from data.published.audit.causes import size_cause, table_cause
from data.published.audit.finding import Finding, arm_words, phase_words, verdict
from data.published.audit.margins import margins, patients_of
from data.published.evidence import Evidence
from data.study.study import Study

FAMILY = "counts"
ARMS = ("treated", "control")


def check_counts(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Levels add up to their arm, arms to the whole, and no patient is what none can be."""
    yield from _sizes(study, evidence)
    yield from _sums(study, evidence)
    yield from _sites(study, evidence)
    yield from _requirements(study, evidence)


def _sizes(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Numbers of patients in Table 1 and in the text, and arms against the whole."""
    for phase in evidence.phases:
        where = phase_words(evidence, phase)
        sizes = {arm: evidence.size(arm, phase) for arm in evidence.arms(phase)}
        contested = []
        for arm in sizes:
            stated = sorted(
                {one.size for one in evidence.counts if (one.arm, one.phase) == (arm, phase)}
                | {
                    one.count
                    for one in evidence.counts
                    if (one.arm, one.phase, one.level) == (arm, phase, "n")
                }
            )
            if not stated:
                continue
            agree = stated == [sizes[arm]]
            contested += [] if agree else [arm]
            yield verdict(
                (FAMILY, "size", arm, phase),
                agree,
                "high",
                f"number of patients, {arm_words(study, arm)}, {where}",
                f"text {sizes[arm]}",
                "Table 1 " + ", ".join(map(str, stated)),
                "Text and Table 1 give the same number of patients.",
                "Text and Table 1 give different numbers of patients for the same group.",
                cause=size_cause(arm, phase),
            )
        whole = evidence.find("", phase, "n")
        if whole is not None:
            agree = int(whole.value) == sum(sizes.values())
            yield verdict(
                (FAMILY, "size", "all", phase),
                agree,
                "high",
                f"number of patients, both arms, {where}",
                whole.text,
                f"{' + '.join(map(str, sizes.values()))} = {sum(sizes.values())}",
                "The arms add up to the whole.",
                "The arms do not add up to the printed whole.",
                cause=size_cause(contested[0], phase) if contested else "",
            )


def _sums(study: Study, evidence: Evidence) -> Iterator[Finding]:
    for one in margins(evidence):
        where = phase_words(evidence, one.phase)
        wrong, causes = [], set()
        for arm, counts, size in zip(ARMS, (one.treated, one.control), one.sizes, strict=True):
            total = sum(counts)
            if total != size and not (one.of_one_arm and total == 0):
                wrong.append(f"{arm_words(study, arm)}: {total} of {size}")
                of_the_size = total == evidence.size(arm, one.phase)
                causes.add(
                    size_cause(arm, one.phase) if of_the_size else table_cause(evidence, one.name, one.phase)
                )
        yield verdict(
            (FAMILY, one.name, one.phase),
            not wrong,
            "medium",
            f"{one.name}, {where}",
            " / ".join(f"{first}+{second}" for first, second in zip(one.treated, one.control, strict=True)),
            "; ".join(wrong) or f"{one.sizes[0]} and {one.sizes[1]}",
            "The levels add up to the number of patients in both arms."
            if one.complete
            else "No more patients have it than there are patients.",
            f"The levels of {one.name} {where} do not add up to the number of patients.",
            cause=causes.pop() if len(causes) == 1 else "",
        )


def _sites(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Every patient has at least one of some levels: their counts cannot add up to less than the patients."""
    columns = evidence.names.constraints.at_least_one
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for row in evidence.counts:
        if row.column in columns and row.value == "1":
            totals[row.arm, row.phase] += row.count
    for (arm, phase), total in totals.items():
        size, where = evidence.size(arm, phase), phase_words(evidence, phase)
        enough = total >= size
        yield verdict(
            (FAMILY, "at least one", arm, phase),
            enough,
            "medium",
            f"{', '.join(columns)}: at least one in each patient, {arm_words(study, arm)}, {where}",
            f"{total} in all",
            f"at least {size}",
            f"The counts leave room for one in each patient, {total / size:.1f} on average.",
            f"The counts add up to {total}, too few for every one of {size} patients to have at least one.",
        )


def _requirements(study: Study, evidence: Evidence) -> Iterator[Finding]:
    for rule in evidence.names.constraints.requires:
        for phase in evidence.phases:
            for arm in ARMS:
                having = patients_of(evidence, rule.column, (rule.level,), phase, arm)
                allowed = patients_of(evidence, rule.given, (rule.given_level,), phase, arm)
                if having is None or allowed is None:
                    continue
                fits = having <= allowed
                yield verdict(
                    (FAMILY, rule.column, "requires", rule.given, arm, phase),
                    fits,
                    "medium",
                    f"{rule.column} = {rule.level} only with {rule.given} = {rule.given_level}, "
                    f"{arm_words(study, arm)}, {phase_words(evidence, phase)}",
                    str(having),
                    f"at most {allowed}",
                    "No more patients have it than can.",
                    f"{having} patients have {rule.column} = {rule.level}, but only {allowed} can.",
                )
