"""One file per verb: parse, call, write under outputs/. No mathematics."""

import os

from data.exports import lazily

# Matrices here have some 20 columns: handing them to several threads takes longer than the algebra (docs/decisions/0025).
# Read when NumPy is first imported, by this process and by its workers; whoever sets it keeps what was set.
os.environ.setdefault("OMP_NUM_THREADS", "1")

__getattr__, __dir__ = lazily(__name__, {"reported": "scripts.results"})
