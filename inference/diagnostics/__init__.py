"""Whether a fit can be believed: convergence, predictions against the patients, overlap, sensitivity to priors."""
