"""The normal quantile of 95 % limits."""

from scipy.stats import norm

NORMAL_975 = float(norm.ppf(0.975))
