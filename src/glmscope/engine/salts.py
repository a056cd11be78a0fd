"""Whose prompts a prompt may build on: salts, told to the library as ids.

The library finds what it has read before by a hash over a prompt's ids from the first one on. So
prompts that are to share nothing have to differ early, and to the network they must not. Aliases
are ids that stand for one of those that every prompt begins with; which ones a prompt gets is its
salt. What an alias means is put in front of the network when it is loaded (`alias_graph.py`).

There are two kinds. Far aliases lie beyond everything that the network has a logit for, more than
a salt is ever needed. But the sampler looks up the logit of every id of a prompt when there is a
repetition penalty, so that such a prompt gets near ones: ids of the network that no text has,
a pair of them in the place of `[gMASK] sop`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import product

from glmscope.errors import ModelUnavailable

Meaning = tuple[int, int | None]
"""From the first id on, until the next meaning's, ids stand for the second; None: themselves."""

_MOST_NEAR = 128
"""Near aliases of one id: pairs for 16,384 keys are enough."""
_FEWEST_NEAR = 8
_ENDLESS = 2**31
"""The runtime computes with ids of 32 bits."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """Which ids stand for others.

    `opening` are the two ids that every prompt begins with; `known` ids have a text or a role, the
    network has `vocabulary` ids, and `prefix_length` virtual ones come after them and before every
    prompt.
    """

    opening: tuple[int, int]
    known: int
    vocabulary: int
    prefix_length: int = 0

    @property
    def is_possible(self) -> bool:
        """Whether the network has ids to spare."""
        return self._near >= _FEWEST_NEAR

    @property
    def _near(self) -> int:
        return min((self.vocabulary - self.known) // 2, _MOST_NEAR)

    @property
    def of_first(self) -> range:
        """Near aliases of the first id of a prompt."""
        return range(self.known, self.known + self._near)

    @property
    def of_second(self) -> range:
        """Near aliases of the second one."""
        return range(self.of_first.stop, self.of_first.stop + self._near)

    @property
    def far(self) -> range:
        """Far aliases of what a sequence begins with: the first virtual id, if there are any."""
        return range(self.vocabulary + self.prefix_length, _ENDLESS)

    def meanings(self) -> list[Meaning]:
        """What all ids from `known` on stand for, in ascending order."""
        first, second = self.opening
        return [
            (self.of_first.start, first),
            (self.of_second.start, second),
            (self.of_second.stop, None),
            (self.far.start, self.vocabulary if self.prefix_length else first),
        ]

    def fit(self, prompt_ids: tuple[int, ...]) -> bool:
        """Whether a prompt, without virtual ids, can be salted: it begins as all do."""
        return prompt_ids[:2] == self.opening and max(prompt_ids) < self.known


class Salts:
    """Gives every scope salts of its own, which nobody outside can know, and none twice."""

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases
        self._next_far = secrets.randbelow(len(aliases.far))
        self._pairs = list(product(aliases.of_first, aliases.of_second))
        secrets.SystemRandom().shuffle(self._pairs)
        self._far_of: dict[str, int] = {}
        self._pair_of: dict[str, tuple[int, int]] = {}

    @property
    def is_spent(self) -> bool:
        """Whether every pair is given away; none may be given again while the cache lives."""
        return not self._pairs

    def salted(
        self, sequence: tuple[int, ...], scope: str | None, *, penalized: bool
    ) -> tuple[int, ...]:
        """The sequence, virtual ids included, with the aliases of its scope; None is nobody's.

        `penalized`: whether there is a repetition penalty. Raises ModelUnavailable when there is
        and no pair is left.
        """
        if not penalized:
            return (self._far(scope), *sequence[1:])
        begin = self._aliases.prefix_length
        return (*sequence[:begin], *self._pair(scope), *sequence[begin + 2 :])

    def _far(self, scope: str | None) -> int:
        if scope in self._far_of:
            return self._far_of[scope]
        far = self._aliases.far
        alias = far[self._next_far % len(far)]
        self._next_far += 1
        if scope is not None:
            self._far_of[scope] = alias
        return alias

    def _pair(self, scope: str | None) -> tuple[int, int]:
        if scope in self._pair_of:
            return self._pair_of[scope]
        if not self._pairs:
            raise ModelUnavailable()
        pair = self._pairs.pop()
        if scope is not None:
            self._pair_of[scope] = pair
        return pair
