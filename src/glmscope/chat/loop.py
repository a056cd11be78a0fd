"""The brake for replies that repeat themselves without end."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import deque
from itertools import accumulate

from glmscope.chat.repetition import Loop, whole_loop
from glmscope.text.detokenizer import Detokenizer
from glmscope.text.tokenizer import Tokenizer

LOOK_EVERY = 8
"""Ids: a loop is noticed at most so much later than its rule says."""
FEWEST_ROUNDS = 5
LONGEST_UNIT = 400
"""Ids: a long paragraph."""
PROSE_LENGTH = 320
"""Ids that must repeat where they are sentences; and `FEWEST_ROUNDS` of them."""
ROWS_LENGTH = 600
"""Ids that must repeat where they may be wanted: numbers, symbols, code, rows, lines of verse."""
LONGEST_ROWS_LENGTH = 1400
FEWEST_ROWS = 36
"""Of rows, as long as that is no more than `LONGEST_ROWS_LENGTH`."""

_WINDOW = LONGEST_UNIT * FEWEST_ROUNDS
_LETTERS_PER_ID = 4
"""So many in a long text, about; windows of letters are so much longer than those of ids."""
_LETTERS_SHARE = 0.6
"""Of the visible characters of sentences, at least."""
_CODE = frozenset("{}[]()<>=|_\\/*#@$^&+~`")
_PASSED_OVER: dict[int, None] = {
    code: None
    for code in (*range(0x3100), *range(0xFE00, 0x10000))
    if unicodedata.category(chr(code))[0] in "PZC" or chr(code) in "~～"
}
"""White space and punctuation, which may differ from round to round; signs and emoji may not."""
_CLOSING = " \r\n\t\u3000。！？…，、；：.!?,;:”’」』）)]"
_SENTENCE_END = re.compile(r"[。！？…]|[.!?]['\"”’]?\s")


class LoopBrake:
    """Notices when a reply does nothing any more but repeat one unit of up to `LONGEST_UNIT` ids.

    It looks at two levels: the ids, which have to repeat exactly, and the letters, digits and signs
    of their text, so that neither white space nor punctuation hides a repetition, nor another way
    to cut the same text into tokens. A number that counts on is no repetition at either.

    How much must repeat depends on what it is: sentences that come again and again are of no use
    to anyone, while rows, figures, rulers and refrains may be meant. Every `LOOK_EVERY` ids it
    takes two searches in strings of bounded length, so an id costs the same however many there are.
    """

    loop: Loop | None
    """Where the reply is caught, in ids. `unit`: in a loop of letters, its first one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.loop = None
        self._tokenizer = tokenizer
        self._detokenizer = Detokenizer(tokenizer)
        self._new: list[int] = []
        self._new_text: list[str] = []
        self._ids = _Level(tail=24, longest_unit=LONGEST_UNIT, size=_WINDOW)
        self._letters = _Level(
            tail=48,
            longest_unit=LONGEST_UNIT * _LETTERS_PER_ID,
            size=_WINDOW * _LETTERS_PER_ID,
        )
        looks = _WINDOW // LOOK_EVERY + 1
        self._texts: deque[str] = deque(maxlen=looks)
        """What each of the latest looks added."""
        self._letter_counts: deque[int] = deque([0], maxlen=looks)
        """Of all letters so far, at each of the latest looks."""

    def add(self, token_id: int) -> None:
        """Look at the next generated id."""
        self._new.append(token_id)
        self._new_text.append(self._detokenizer.add(token_id))
        if len(self._new) == LOOK_EVERY:
            self._look()

    def _look(self) -> None:
        text = "".join(self._new_text)
        # No tokenizer has more ids than there are characters; whatever an engine says is bounded.
        self._ids.add("".join([chr(min(each, 0x10FFFF)) for each in self._new]))
        self._letters.add(text.translate(_PASSED_OVER))
        self._texts.append(text)
        self._letter_counts.append(self._letters.count)
        self._new, self._new_text = [], []
        if self.loop is not None:
            return
        found = []
        if unit := self._repeated_unit(self._ids):
            found.append(self._loop_of_ids(unit))
        if unit := self._repeated_unit(self._letters):
            found.append(self._loop_of_letters(unit))
        # Rounds that differ in their stops by turns are one round of ids, and two of letters.
        self.loop = min(found, key=lambda loop: loop.first_round_end, default=None)

    def _repeated_unit(self, level: _Level) -> int:
        """Symbols of the unit in which the reply is caught; 0 for none."""
        unit = level.unit()
        if not unit or not level.repeats(unit, self._prose_length(level, unit)):
            return 0
        if is_prose("".join(self._latest(self._texts, PROSE_LENGTH))):
            return unit
        return unit if level.repeats(unit, self._rows_length(level, unit)) else 0

    def _prose_length(self, level: _Level, unit: int) -> int:
        return max(self._count(level, PROSE_LENGTH), FEWEST_ROUNDS * unit)

    def _rows_length(self, level: _Level, unit: int) -> int:
        most = max(self._count(level, LONGEST_ROWS_LENGTH), FEWEST_ROUNDS * unit)
        return min(max(self._count(level, ROWS_LENGTH), FEWEST_ROWS * unit), most)

    def _count(self, level: _Level, ids: int) -> int:
        """How many symbols the latest `ids` ids have; of letters at least half as many as ids."""
        if level is self._ids:
            return ids
        looks = ids // LOOK_EVERY
        if looks >= len(self._letter_counts):
            return level.count + 1  # more than can repeat
        return max(level.count - self._letter_counts[-1 - looks], ids // 2)

    @staticmethod
    def _latest(texts: deque[str], ids: int) -> list[str]:
        return [texts[-look] for look in range(min(len(texts), ids // LOOK_EVERY), 0, -1)]

    def _loop_of_ids(self, unit: int) -> Loop:
        ids = self._ids.symbols
        loop = whole_loop(ids, len(ids), unit)
        detokenizer = Detokenizer(self._tokenizer)
        first_round = ids[loop.start : loop.first_round_end]
        texts = [detokenizer.add(ord(each)).strip(_CLOSING) for each in first_round]
        # The stop or the line break of what came before is that of each round as well.
        opening = next((count for count, text in enumerate(texts) if text), 0)
        start = self._ids.count - len(ids) + loop.start + opening
        return Loop(start, unit, loop.length - opening)

    def _loop_of_letters(self, unit: int) -> Loop:
        letters = self._letters.symbols
        loop = whole_loop(letters, len(letters), unit)
        ids = self._ids.symbols
        detokenizer = Detokenizer(self._tokenizer)
        counts = (len(detokenizer.add(ord(each)).translate(_PASSED_OVER)) for each in ids)
        before = [0, *accumulate(counts)]
        # Counted from the end, because the two windows begin at different places of the reply.
        forgotten = before[-1] - len(letters)
        start = max(0, bisect_right(before, forgotten + loop.start) - 1)
        ended = bisect_left(before, forgotten + loop.first_round_end)
        # What has no letters belongs to the round before it, such as its full stop.
        ended = bisect_right(before, before[ended]) - 1
        return Loop(self._ids.count - len(ids) + start, ended - start, len(ids) - start)


class _Level:
    """The latest symbols of a reply, each a character: strings are searched at the speed of C."""

    def __init__(self, *, tail: int, longest_unit: int, size: int) -> None:
        self.symbols = ""
        self.count = 0
        """Of all symbols so far, those that are forgotten included."""
        self._tail = tail
        self._longest_unit = longest_unit
        self._size = size

    def add(self, symbols: str) -> None:
        self.count += len(symbols)
        self.symbols = (self.symbols + symbols)[-self._size :]

    def unit(self) -> int:
        """How far back the last symbols, `tail` of them, have stood before; 0 if nowhere near.

        In a loop that is its unit, unless so long a stretch comes twice in a longer unit; then a
        later look, which ends elsewhere in the unit, finds it.
        """
        end = len(self.symbols) - self._tail
        if end <= 0:
            return 0
        at = self.symbols.rfind(
            self.symbols[end:], max(0, end - self._longest_unit), len(self.symbols) - 1
        )
        return 0 if at < 0 else end - at

    def repeats(self, unit: int, length: int) -> bool:
        """Whether each of the last `length` symbols equals the one `unit` places before."""
        start = len(self.symbols) - length
        return start >= 0 and self.symbols[start + unit :] == self.symbols[start:-unit]


def is_prose(text: str) -> bool:
    """Whether a text is sentences, or one run of words: mostly letters, nothing of code in it, and
    lines, if any, that end sentences. Tables, code, figures and verse without stops are not."""
    visible = "".join(text.split())
    if not _CODE.isdisjoint(visible):
        return False
    if sum(map(str.isalpha, visible)) < _LETTERS_SHARE * len(visible) or not visible:
        return False
    return "\n" not in text or _SENTENCE_END.search(text) is not None
