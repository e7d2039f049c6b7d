"""Exchange one covariate between two pseudo-patients of a stratum: margins stay, how covariates go together moves, compiled.

The levels change hands together with the latents behind them, so that within a stratum levels remain allotted by the
rank of the latents. The Metropolis ratio (https://doi.org/10.1063/1.1699114) is then that of the latents' normal
density, because the latents of the stratum are permuted and no value of them is drawn anew.
"""

import math

import numba


@numba.njit(cache=True)
def latent_gain(p, q, column, latent, precision):
    """Return the change of the latents' log density where p and q exchange those of a covariate.

    `latent` (patient, covariate) is before the exchange, `precision` (covariate, covariate) the inverse of its correlation.
    """
    step = latent[q, column] - latent[p, column]
    pull = step * precision[column, column]
    for k in range(precision.shape[0]):
        pull += precision[column, k] * (latent[p, k] - latent[q, k])
    return -step * pull


@numba.njit(cache=True)
def exchange_covariate(p, q, column, levels, latent):
    """Exchange level and latent of a covariate; a second call takes it back."""
    levels[p, column], levels[q, column] = levels[q, column], levels[p, column]
    latent[p, column], latent[q, column] = latent[q, column], latent[p, column]


@numba.njit(cache=True)
def is_possible(p, levels, requires, sites):
    """Whether a pseudo-patient breaks no constraint of the study."""
    for rule in range(requires.shape[0]):
        if (
            levels[p, requires[rule, 0]] == requires[rule, 1]
            and levels[p, requires[rule, 2]] != requires[rule, 3]
        ):
            return False
    for site in range(sites.shape[0]):
        if levels[p, sites[site, 0]] == sites[site, 1]:
            return True
    return sites.shape[0] == 0


@numba.njit(cache=True)
def relative_hazard(p, stratum, levels, effects, centre):
    """Return the hazard of a pseudo-patient relative to the stratum's baseline."""
    total = -centre
    for column in range(levels.shape[1]):
        total += effects[stratum, column, levels[p, column]]
    return math.exp(total)


@numba.njit(cache=True)
def exchange_membership(
    p, q, column, roles, part_column, fit_first, term_column, terms, log_ratio, weights,
    risk, risk_term, risk_square, parts,
):  # fmt: skip
    """Exchange the places of p and q wherever the covariate counts, and update the sums of the Cox fits.

    Put the parts that changed in `parts` and return how many there are. Both are of one stratum, so that they can only
    change places. A second call takes it back, up to rounding. The parameters are those of Layout and Membership.
    """
    count, fits = 0, fit_first.size - 1
    first_fit = roles.shape[0] - fits
    for part in range(first_fit):
        if part_column[part] == column and roles[part, p] != roles[part, q]:
            roles[part, p], roles[part, q] = roles[part, q], roles[part, p]
            parts[count] = part
            count += 1
    for f in range(fits):
        start, end = fit_first[f], fit_first[f + 1]
        changed = False
        for t in range(start, end):
            if term_column[t] == column and terms[t, p] != terms[t, q]:
                changed = True
        if not changed:
            continue
        inside = roles[first_fit + f, p] != 0
        if inside:
            _count(p, -1.0, start, end, terms, weights[f], risk_term, risk_square)
            _count(q, -1.0, start, end, terms, weights[f], risk_term, risk_square)
            risk[f] -= weights[f, p] + weights[f, q]
        for t in range(start, end):
            if term_column[t] == column:
                terms[t, p], terms[t, q] = terms[t, q], terms[t, p]
        weights[f, p], weights[f, q] = (
            _weight(p, start, end, terms, log_ratio),
            _weight(q, start, end, terms, log_ratio),
        )
        if inside:
            _count(p, 1.0, start, end, terms, weights[f], risk_term, risk_square)
            _count(q, 1.0, start, end, terms, weights[f], risk_term, risk_square)
            risk[f] += weights[f, p] + weights[f, q]
            parts[count] = first_fit + f
            count += 1
    return count


@numba.njit(cache=True)
def _weight(p, start, end, terms, log_ratio):
    total = 0.0
    for t in range(start, end):
        total += terms[t, p] * log_ratio[t]
    return math.exp(total)


@numba.njit(cache=True)
def _count(p, sign, start, end, terms, weights, risk_term, risk_square):
    """Add a pseudo-patient to the sums of a fit, or take them out."""
    for t in range(start, end):
        if terms[t, p] > 0.0:
            risk_term[t] += sign * weights[p]
            for k in range(start, end):
                risk_square[t, k - start] += sign * weights[p] * terms[k, p]
