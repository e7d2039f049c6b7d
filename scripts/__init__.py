"""One file per verb: parse, call, write under outputs/. No mathematics."""
