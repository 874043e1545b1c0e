"""How long to wait before a fault is tried again."""

from __future__ import annotations


def full_jitter(failures: int, chance: float) -> float:
    """Seconds: exponential from 0.5 doubling to 8, times `chance` in [0, 1). `failures` counts from 1."""
    return float(min(8.0, 0.5 * 2 ** min(failures - 1, 10))) * chance
