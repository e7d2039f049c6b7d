"""How the answer moves when an assumption does."""
