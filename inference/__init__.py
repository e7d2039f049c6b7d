"""Sampling, summaries, comparators and checks: everything that is done with a built model or a cohort."""
