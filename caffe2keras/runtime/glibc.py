"""The random numbers of C's rand() as glibc has it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

__all__ = ["c_random"]


def c_random(seed: int = 1) -> Iterator[int]:
    """What rand() answers, time after time, after srand(seed).

    An additive feedback, r[i] = r[i - 3] + r[i - 31] in 32 bits, whose first 31 numbers are a
    linear congruence; ten for each of those are thrown away, and the lowest bit of each
    (glibc's stdlib/random_r.c).

    Args:
        seed: from 0 to 2 ** 31 - 1; 0 stands for 1.

    Yields:
        integers from 0 to 2 ** 31 - 1, without end.
    """
    numbers = [seed or 1]
    while len(numbers) < 31:
        numbers.append(16807 * numbers[-1] % 2147483647)
    state = deque(numbers, maxlen=31)
    state.extend(numbers[:3])
    thrown_away = 310
    while True:
        state.append((state[0] + state[-3]) % 2**32)
        if thrown_away:
            thrown_away -= 1
        else:
            yield state[-1] >> 1
