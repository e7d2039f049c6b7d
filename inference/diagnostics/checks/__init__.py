"""Checks of a fit: each returns results, and the report decides what to do with them."""
