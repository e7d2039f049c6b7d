"""Studies and cohorts: what was asked, and the checked patients it was asked of."""

from data.exports import lazily

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Cohort": "data.study.cohort",
        "InputError": "data.errors",
        "Study": "data.study.study",
        "cohort_from": "data.study.sources",
        "load_cohort": "data.study.sources",
        "load_study": "data.study.study",
        "study_from": "data.study.sources",
    },
)
