"""A study file and its patients: read, checked, with design matrices."""
