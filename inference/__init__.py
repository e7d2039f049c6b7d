"""Sampling, summaries, comparators and checks: everything that is done with a built model or a cohort."""

from data.exports import lazily

__getattr__, __dir__ = lazily(
    __name__,
    {
        "ADJUSTMENTS": "inference.adjustments",
        "ESTIMANDS": "inference.estimands",
        "SamplerSettings": "inference.sampling.settings",
        "checks_of": "inference.fits.one_fit",
        "estimands_of": "inference.fits.one_fit",
        "fit": "inference.fits.one_fit",
        "plot": "inference.report.plot",
    },
)
