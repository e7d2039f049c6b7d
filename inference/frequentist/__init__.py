"""The frequentist analysis of a cohort: thin adapters over lifelines, statsmodels and scipy."""
