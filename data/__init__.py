"""Studies and cohorts: what was asked, and the checked patients it was asked of."""
