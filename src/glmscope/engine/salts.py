"""Whose prompts a prompt may build on: salts, told to the library as ids.

The library finds what it has read before by a hash over a prompt's ids from the first one on. So
prompts that are to share nothing have to differ early, and to the network they must not. Aliases
are ids that stand for one of those that every prompt begins with; which ones a prompt gets is its
salt. What an alias means is put in front of the network when it is loaded (`alias_graph.py`).

There are two kinds. Far aliases lie beyond everything that the network has a logit for, more than
a salt is ever needed. But the sampler looks up the logit of every id of a prompt when there is a
repetition penalty, so that such a prompt gets near ones: ids of the network that no text has,
a pair of them in the place of `[gMASK] sop`.

A beginning that everybody may share has one salt for all, and the scope's own comes after it: on
the first id behind its whole blocks, for a cached block is found by all ids up to its end. What
stands there is known from the beginning itself, so that aliases of it can be told beforehand.
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
MOST_SHARED = 32
_SCOPES_SHARING = 2**18
"""Far aliases behind each shared beginning. Where they start is a float32 that is exact: up to 2²⁴
all are, and with those the runtime compares ids."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """Which ids stand for others.

    `opening` are the two ids that every prompt begins with; `known` ids have a text or a role, the
    network has `vocabulary` ids, and `prefix_length` virtual ones come after them and before every
    prompt. `shared` are beginnings of sequences, virtual ids included, MOST_SHARED at most: all
    scopes share what begins so, up to the last id of each.
    """

    opening: tuple[int, int]
    known: int
    vocabulary: int
    prefix_length: int = 0
    shared: tuple[tuple[int, ...], ...] = ()

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

    def behind(self, beginning: tuple[int, ...]) -> range:
        """Far aliases of the last id of a shared beginning."""
        before = self.shared.index(beginning) * _SCOPES_SHARING
        start = self.vocabulary + self.prefix_length + before
        return range(start, start + _SCOPES_SHARING)

    @property
    def far(self) -> range:
        """Far aliases of what a sequence begins with: the first virtual id, if there are any."""
        behind = len(self.shared) * _SCOPES_SHARING
        return range(self.vocabulary + self.prefix_length + behind, _ENDLESS)

    def meanings(self) -> list[Meaning]:
        """What all ids from `known` on stand for, in ascending order."""
        first, second = self.opening
        return [
            (self.of_first.start, first),
            (self.of_second.start, second),
            (self.of_second.stop, None),
            *((self.behind(beginning).start, beginning[-1]) for beginning in self.shared),
            (self.far.start, self.vocabulary if self.prefix_length else first),
        ]

    def fit(self, prompt_ids: tuple[int, ...]) -> bool:
        """Whether a prompt, without virtual ids, can be salted: it begins as all do."""
        return prompt_ids[:2] == self.opening and max(prompt_ids) < self.known

    def shared_by(self, sequence: tuple[int, ...]) -> tuple[int, ...] | None:
        """The longest shared beginning that the sequence has, if any."""
        found = (each for each in self.shared if sequence[: len(each)] == each)
        return max(found, key=len, default=None)


class Salts:
    """Gives every scope salts of its own, which nobody outside can know, and none twice."""

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases
        self._first = _Ids(aliases.far)
        self._behind = {each: _Ids(aliases.behind(each)) for each in aliases.shared}
        self._common = self._first.of(None)
        self._pairs = list(product(aliases.of_first, aliases.of_second))
        secrets.SystemRandom().shuffle(self._pairs)
        self._pair_of: dict[str, tuple[int, int]] = {}

    @property
    def is_spent(self) -> bool:
        """Whether there is no salt left; none may be given again while the cache lives."""
        return not self._pairs or any(ids.are_spent for ids in self._behind.values())

    def salted(
        self, sequence: tuple[int, ...], scope: str | None, *, penalized: bool
    ) -> tuple[int, ...]:
        """The sequence, virtual ids included, with the aliases of its scope; None is nobody's.

        `penalized`: whether there is a repetition penalty; nothing is shared then, as every near
        alias is needed for the opening. Raises ModelUnavailable when no salt is left.
        """
        if penalized:
            begin = self._aliases.prefix_length
            return (*sequence[:begin], *self._pair(scope), *sequence[begin + 2 :])
        beginning = None if scope is None else self._aliases.shared_by(sequence)
        if beginning is None:
            return (self._first.of(scope), *sequence[1:])
        own = self._behind[beginning].of(scope)
        return (self._common, *beginning[1:-1], own, *sequence[len(beginning) :])

    def _pair(self, scope: str | None) -> tuple[int, int]:
        if scope in self._pair_of:
            return self._pair_of[scope]
        if not self._pairs:
            raise ModelUnavailable()
        pair = self._pairs.pop()
        if scope is not None:
            self._pair_of[scope] = pair
        return pair


class _Ids:
    """Gives the ids of a range away, from one drawn at random on."""

    def __init__(self, ids: range) -> None:
        self._ids = ids
        self._next = secrets.randbelow(len(ids))
        self._left = len(ids)
        self._id_of: dict[str, int] = {}

    @property
    def are_spent(self) -> bool:
        """Whether every one is given away."""
        return not self._left

    def of(self, scope: str | None) -> int:
        """The id of a scope; None gets a new one each time. Raises ModelUnavailable for none."""
        if scope in self._id_of:
            return self._id_of[scope]
        if self.are_spent:
            raise ModelUnavailable()
        given = self._ids[self._next]
        self._next = (self._next + 1) % len(self._ids)
        self._left -= 1
        if scope is not None:
            self._id_of[scope] = given
        return given
