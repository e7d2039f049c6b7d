"""How long a posterior is sampled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplerSettings:
    """How long to sample.

    Attributes
    ----------
    chains, draws, tune : int
        Chains; draws kept and warm-up draws dropped, for each chain.
    seed : int
        Same seed, same draws.
    """

    chains: int = 4
    draws: int = 1000
    tune: int = 300
    seed: int = 20240101
