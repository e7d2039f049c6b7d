"""Compiled log densities: all that rests on the internals of numba, PyTensor and nutpie."""
