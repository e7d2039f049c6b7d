"""From a request to a fit, its DataTree, and what is read from it, for one cohort or many."""
