"""Where attention has to look: at what a token is copied from, at the tool that a call is for, at
what was told and is asked back.

Plain training says that a name was wrong and not where the right one stands. Here the places are
worked out from the ids; `attention_loss` teaches chosen heads to look there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from glmscope.text.tokenizer import Tokenizer
from glmscope.train.copies import Copies
from glmscope.train.encoding import Example

_RARE_IN_LIST = 3
"""A token of a question tells something if a list, or what was said, has it that often at most."""
_COMMON = 200
"""Ids that are taken for particles and the like: of 8192 pieces, those of two thirds of a text."""
_BEFORE_NAME = '\n        "name": "'
"""What stands in front of the name of each tool in the list."""
_OF_A_NAME = 2
"""Tokens of a name that the tokens of its tool look at."""
_OWNER_STEP = 4
"""One in so many tokens of a tool is taught whose it is: there are many."""
_SAID_TOGETHER = 24
"""Tokens that lie this close belong to one thing that was told."""
_LONGEST_RECALL = 48
"""A longer answer has words of earlier turns in it without being about them or choosing them."""


class Kind(IntEnum):
    """What a pointer is for, in the order in which a call is worked out, and then an answer."""

    OWNER = 0  # from tokens of a tool in the list, one in a few, to the tool's name
    MATCH = 1  # from each token of a question to the same one in the list of tools, or told before
    ASKED = 2  # from where a call begins to the tokens of the question that only its tool has, and
    # from an answer to those that stand near what it says in what was told
    TOOL = 3  # from there to the same words in the tool
    BOUND = 4  # from a token of the question that one tool alone has to that tool's name
    NAME = 5  # from where a call begins to the name of its tool, the first of what is copied
    COPY = 6  # from before each token that is copied to where it comes from
    FIRST = 7  # the same from before the first token of each copy, in calls and short answers
    LINK = 8  # in what was told, between a word that is asked by and what is asked for
    TOLD = 9  # from that word in the question, and until it is written, to what is asked for


def commonest(ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """The ids that come most often among `ids`: what they stand for tells no tool from another."""
    return np.argsort(-np.bincount(ids), kind="stable")[:_COMMON]


class Pointing:
    """Finds the pointers of examples that `tokenizer` has encoded.

    Where a question and a tool have one of `common` in common, they need not be about the same.
    """

    def __init__(self, tokenizer: Tokenizer, common: NDArray[np.int64] | None = None) -> None:
        special = tokenizer.special
        if special.assistant is None or special.user is None:
            raise ValueError("Pointers are for dialogues in roles.")
        self._assistant, self._user = special.assistant, special.user
        pieces = [tokenizer.piece(id_) for id_ in range(tokenizer.piece_count)]
        self._worded = np.zeros(tokenizer.vocab_size, bool)
        self._worded[: len(pieces)] = [any(map(str.isalnum, piece)) for piece in pieces]
        self._line_break = pieces.index("<0x0A>")
        self._worded[self._line_break] = False
        self._copies = Copies(tokenizer, self._worded)
        self._telling = self._worded.copy()
        if common is not None:
            self._telling[common] = False
        # Encoded alone, a text begins with a piece for the space that it is given.
        self._before_name = np.array(tokenizer.encode(_BEFORE_NAME)[1:], np.int64)

    def of(self, example: Example) -> NDArray[np.int64]:
        """Pointers [P, 3]: kind, the place that looks, a place to look at.

        A place may have several to look at. What is copied stands before the turn that copies it.
        """
        ids, learned = np.asarray(example.ids, np.int64), np.asarray(example.learned, bool)
        tools = self._tools(ids)
        found = [np.zeros((0, 3), np.int64), *self._owners(tools)]
        for start, end in turns(learned):
            sources = self._copies.sources(ids, start, end)
            found.append(_before(Kind.COPY, sources, start))
            name = self._name(ids, start, end)
            if name is not None or end - start <= _LONGEST_RECALL:
                same = ids[start:end, None] == ids[None, :start]
                found.append(_before(Kind.FIRST, _first_of_each_run(sources, same), start))
            if len(tools) > 1:
                matches = self._matches(ids, start, tools)
                found.append(_rows(Kind.MATCH, matches[:, 0], matches[:, 1]))
                found.append(_bound(tools, matches))
                if name is not None:
                    found += self._choice(name - 1, sources[name - start], tools, matches)
            elif not tools and end - start <= _LONGEST_RECALL:
                found += self._recall(ids, start, sources, example.renamable)
        return np.concatenate(found)

    def _tools(self, ids: NDArray[np.int64]) -> list[range]:
        """The places of each tool in the list that a dialogue begins with, from its name on."""
        users = np.flatnonzero(ids == self._user)
        listed = ids[: int(users[0]) if len(users) else 0]
        if len(listed) < len(self._before_name):
            return []
        windows = np.lib.stride_tricks.sliding_window_view(listed, len(self._before_name))
        same = (windows == self._before_name).all(axis=1)
        names = [int(at) + len(self._before_name) for at in np.flatnonzero(same)]
        ends = [*(name - len(self._before_name) for name in names), len(listed)][1:]
        return [range(name, end) for name, end in zip(names, ends, strict=False)]

    def _owners(self, tools: Sequence[range]) -> Iterator[NDArray[np.int64]]:
        for tool in tools:
            name = np.arange(tool.start, tool.start + _OF_A_NAME)
            places = np.arange(tool.start + _OF_A_NAME, tool.stop, _OWNER_STEP)
            yield _pairs(Kind.OWNER, places, name)

    def _matches(
        self, ids: NDArray[np.int64], start: int, tools: Sequence[range]
    ) -> NDArray[np.int64]:
        """[M, 2]: tokens of the question before the turn at `start`, and the same in the list."""
        users = np.flatnonzero(ids[:start] == self._user)
        asked = int(users[-1]) if len(users) else start
        answers = np.flatnonzero(ids[asked:start] == self._assistant)
        answered = asked + int(answers[0]) if len(answers) else start
        return self._same(ids, slice(asked, answered), slice(tools[0].start, tools[-1].stop))

    def _choice(
        self,
        place: int,
        sources: NDArray[np.bool_],
        tools: Sequence[range],
        matches: NDArray[np.int64],
    ) -> Iterator[NDArray[np.int64]]:
        """Which tool `place` calls, whose name stands at one of `sources`, and what asks for it."""
        called = [tool for tool in tools if sources[tool.start]]
        if len(called) != 1:
            return
        (tool,) = called
        inside = (matches[:, 1] >= tool.start) & (matches[:, 1] < tool.stop)
        asking = np.setdiff1d(matches[inside, 0], matches[~inside, 0])
        yield _rows(Kind.ASKED, np.full(len(asking), place), asking)
        asked_for = matches[np.isin(matches[:, 0], asking), 1]
        # A question may share no word with its tool: then any part of the tool is right.
        looked_at = asked_for if len(asked_for) else np.asarray(tool)
        yield _rows(Kind.TOOL, np.full(len(looked_at), place), looked_at)
        names = np.flatnonzero(sources)
        yield _rows(Kind.NAME, np.full(len(names), place), names)

    def _recall(
        self, ids: NDArray[np.int64], start: int, sources: NDArray[np.bool_], by_anyone: bool
    ) -> Iterator[NDArray[np.int64]]:
        """What the question before the turn at `start` asks back, if the turn says it.

        That is the first that the turn has from what the user told and not from the question,
        wherever it stands before: what the assistant has said of it is as good. Where it may be
        told `by_anyone` and the turn has nothing from the user, it is what the assistant said.
        """
        users = np.flatnonzero(ids[:start] == self._user)
        asked = int(users[-1]) if len(users) else 0
        earlier = sources[:, :asked]
        by_user = earlier & self._spoken_by_user(ids[:asked])
        new = ~np.isin(ids[start : start + len(sources)], ids[asked:start])
        places = np.flatnonzero(by_user.any(axis=1) & new)
        if not len(places) and by_anyone:
            places = np.flatnonzero(earlier.any(axis=1) & new)
        if not len(places):
            return
        written = places[places == places[0] + np.arange(len(places))]
        value = np.flatnonzero(earlier[written].any(axis=0))
        matches = self._same(ids, slice(asked, start), slice(0, asked))
        yield _rows(Kind.MATCH, matches[:, 0], matches[:, 1])
        apart = np.abs(matches[:, 1, None] - value[None])
        pairs, at = np.nonzero((apart > 0) & (apart <= _SAID_TOGETHER))
        ends = np.stack((matches[pairs, 1], value[at]), axis=1)
        links = np.unique(np.sort(ends, axis=1), axis=0)
        yield _rows(Kind.LINK, links[:, 1], links[:, 0])
        asking = np.unique(matches[pairs, 0])
        before = np.arange(start - 1, start + int(written[0]))
        yield _pairs(Kind.ASKED, before, asking)
        yield _pairs(Kind.TOLD, np.concatenate((asking, before)), value)

    def _spoken_by_user(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[S]: which of `ids` stand in a turn of the user."""
        begins = (ids == self._user) | (ids == self._assistant)
        latest = np.maximum.accumulate(np.where(begins, np.arange(len(ids)), 0))
        return ids[latest] == self._user

    def _same(self, ids: NDArray[np.int64], these: slice, those: slice) -> NDArray[np.int64]:
        """[M, 2]: places in `these` and in `those` of equal tokens that tell something."""
        equal = ids[these, None] == ids[None, those]
        equal &= self._telling[ids[these], None]
        equal &= equal.sum(axis=1, keepdims=True) <= _RARE_IN_LIST
        return np.argwhere(equal) + np.array([these.start, those.start])

    def _name(self, ids: NDArray[np.int64], start: int, end: int) -> int | None:
        """The place of the first token of the name in a turn that is a call."""
        if ids[start - 1] != self._assistant:
            return None
        words = np.flatnonzero(self._worded[ids[start:end]])
        breaks = np.flatnonzero(ids[start:end] == self._line_break)
        if not len(words) or not len(breaks) or breaks[0] < words[0]:
            return None
        return start + int(words[0])


def _bound(tools: Sequence[range], matches: NDArray[np.int64]) -> NDArray[np.int64]:
    """From each token of a question that `matches` find in one of `tools` only to its name."""
    inside = [(matches[:, 1] >= tool.start) & (matches[:, 1] < tool.stop) for tool in tools]
    # What stands between tools, such as "name", is none's.
    belongs, tool = np.nonzero(np.stack(inside, axis=1))
    names = np.array([tool.start for tool in tools])[tool]
    matches = matches[belongs]
    pairs = np.unique(np.stack((matches[:, 0], names), axis=1), axis=0)
    places, counts = np.unique(pairs[:, 0], return_counts=True)
    pairs = pairs[np.isin(pairs[:, 0], places[counts == 1])]
    return _rows(Kind.BOUND, pairs[:, 0], pairs[:, 1])


def _before(kind: Kind, sources: NDArray[np.bool_], start: int) -> NDArray[np.int64]:
    """From before each token of the turn at `start` to its `sources` [turn, start]."""
    places, looked_at = np.nonzero(sources)
    return _rows(kind, places + start - 1, looked_at)


def _first_of_each_run(sources: NDArray[np.bool_], same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The sources [turn, start] of those tokens that do not go on with a copy.

    A copy goes on after a blank, a sign or the like that is the `same` [turn, start] there, too.
    """
    goes_on = np.zeros(len(sources), bool)
    goes_on[1:] = (sources[1:, 1:] & sources[:-1, :-1]).any(axis=1)
    goes_on[2:] |= (sources[2:, 2:] & same[1:-1, 1:-1] & sources[:-2, :-2]).any(axis=1)
    return sources & ~goes_on[:, None]


def turns(learned: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch that is learned, without one at the very beginning."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], learned, [False])).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start:
            yield int(start), int(end)


def _pairs(kind: Kind, places: NDArray[np.int64], sources: NDArray[np.int64]) -> NDArray[np.int64]:
    """From each of `places` to each of `sources`."""
    return _rows(kind, np.repeat(places, len(sources)), np.tile(sources, len(places)))


def _rows(kind: Kind, places: NDArray[np.int64], sources: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack((np.full(len(places), int(kind)), places, sources), axis=1)
