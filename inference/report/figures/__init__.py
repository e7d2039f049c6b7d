"""Figures, one a file: draws and tables in, a matplotlib Figure out; nothing is fitted and nothing written.

Every module has a CAPTION that says how to read its figure.
"""
