"""From a posterior and data to draws, or to a normal approximation."""
