"""What not having the patients costs: the main model on the patients whom pseudo-patients stand for, where these can be had."""

import pandas as pd

from data.study.cohort import Cohort
from data.study.sources import load_cohort
from data.study.study import Study, load_study
from inference.fits.one_fit import estimands_of, fit
from inference.sampling.settings import SamplerSettings
from inference.storage.cache import FRAME, cached


def patients_of(study: Study) -> tuple[Study, Cohort] | None:
    """Return the study of the patients whom a reconstruction stands for, with them; None where it names none."""
    if study.report.patients is None:
        return None
    behind = load_study(study.report.patients)
    return behind, load_cohort(behind)


@cached(FRAME)
def effect_on_patients(study: Study, cohort: Cohort, settings: SamplerSettings) -> pd.DataFrame:
    """Return the estimands of the main model under the default priors: the columns of estimands.csv.

    Parameters
    ----------
    study, cohort : Study, Cohort
        Of the patients.
    settings : SamplerSettings
    """
    return estimands_of(fit(study, cohort, settings=settings))
