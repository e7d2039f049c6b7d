"""Speed and accuracy against the same likelihood written as Poisson rows."""
