"""Which tokens make the shown text: log-probabilities that belong to it, byte for byte."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from glmscope.chat.events import Alternative, PieceLogprob
from glmscope.engine.engine import TokenLogprob
from glmscope.text.detokenizer import Detokenizer
from glmscope.text.filters import DATE_PLACEHOLDER, replace_date
from glmscope.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Text, and the tokens that make it: several only where they are the bytes of one character."""

    text: str
    tokens: tuple[PieceLogprob, ...]


class ShownTokens:
    """Follows a reply from its ids to its text, beside the filters that the text goes through.

    A token is listed when it adds at least a byte to the shown text, with just the bytes that it
    adds: a stop string, white space stripped at an end and the space that decoding drops in front
    belong to no text. Of a date that was filled in, the token that began the placeholder stands
    for all. Text is let through up to the end of a token, so that a piece and its tokens agree.
    """

    def __init__(self, tokenizer: Tokenizer, *, continues: bool = False) -> None:
        self._tokenizer = tokenizer
        self._detokenizer = Detokenizer(tokenizer, continues=continues)
        self._bytes: list[PieceLogprob] = []
        """Byte tokens of a character that is not complete."""
        self._made: deque[_Stretch] = deque()
        """Made and not yet shown."""
        self._shown = ""
        """Shown by the filters, held back here until its token is complete."""
        self._begun = False

    def add(self, logprob: TokenLogprob) -> None:
        """The next token of the text."""
        text = self._detokenizer.add(logprob.id)
        if logprob.id in self._tokenizer.surfaces.byte_values:
            own = self._tokenizer.id_bytes(logprob.id)
            self._bytes.append(name_token(self._tokenizer, logprob, own))
            self._complete(text)
            return
        broken = len(self._bytes)
        self._complete(text[:broken])
        if rest := text[broken:]:
            token = name_token(self._tokenizer, logprob, rest.encode())
            self._made.append(_Stretch(rest, (token,)))

    def end(self) -> None:
        """No token follows."""
        self._complete(self._detokenizer.flush())

    def show(self, text: str, last: bool = False) -> tuple[str, list[PieceLogprob]]:
        """Take what the filters let through; give what makes whole tokens, and those tokens.

        After `last`, when the reply has ended, nothing is held back and nothing may follow.
        """
        self._shown += text
        if not self._shown:
            return "", []
        self._fill_in_dates()
        if not self._begun:
            self._begun = True
            self._skip_stripped()
        shown = ""
        tokens: list[PieceLogprob] = []
        while self._made and self._shown:
            stretch = self._made[0]
            if len(stretch.text) > len(self._shown):
                if not last:
                    break
                stretch = _cut(stretch, slice(len(self._shown)))
            self._made.popleft()
            self._shown = self._shown[len(stretch.text) :]
            shown += stretch.text
            tokens += stretch.tokens
        return shown, tokens

    def _complete(self, text: str) -> None:
        """`text` is what byte tokens have become: one character, or U+FFFD for each broken byte."""
        done = len(self._bytes) - self._detokenizer.held
        tokens, self._bytes = self._bytes[:done], self._bytes[done:]
        if len(text) == 1:
            self._made.append(_Stretch(text, tuple(tokens)))
            return
        for character, token in zip(text, tokens, strict=True):
            self._made.append(_Stretch(character, (token,)))

    def _fill_in_dates(self) -> None:
        """What the date filter did, done to stretches: those of a placeholder become one."""
        text = "".join(stretch.text for stretch in self._made)
        at = text.find(DATE_PLACEHOLDER)
        while at >= 0:
            self._merge(at, at + len(DATE_PLACEHOLDER))
            text = "".join(stretch.text for stretch in self._made)
            at = text.find(DATE_PLACEHOLDER, at)

    def _merge(self, start: int, end: int) -> None:
        """Make one stretch, with the date filled in, of those that `start` to `end` touch."""
        before: list[_Stretch] = []
        touched: list[_Stretch] = []
        position = 0
        while position < end:
            stretch = self._made.popleft()
            position += len(stretch.text)
            (before if position <= start else touched).append(stretch)
        text = replace_date("".join(stretch.text for stretch in touched))
        merged = _cut(replace(touched[0], text=text), slice(None))
        self._made.extendleft((merged, *reversed(before)))

    def _skip_stripped(self) -> None:
        """White space in front that was stripped from the text."""
        made = "".join(stretch.text for stretch in self._made)
        surplus = 0 if made.startswith(self._shown) else len(made) - len(made.lstrip())
        while surplus:
            stretch = self._made.popleft()
            if len(stretch.text) > surplus:
                self._made.appendleft(_cut(stretch, slice(surplus, None)))
            surplus -= min(surplus, len(stretch.text))


def name_token(tokenizer: Tokenizer, logprob: TokenLogprob, own: bytes) -> PieceLogprob:
    """A token that adds the bytes `own` to a text, and its alternatives, by their names.

    One that adds nothing is called as the vocabulary calls it.
    """
    top = tuple(_alternative(tokenizer, token_id, value) for token_id, value in logprob.top)
    name = in_characters(own) or tokenizer.piece(logprob.id)
    return PieceLogprob(name, own, logprob.logprob, top)


def _alternative(tokenizer: Tokenizer, token_id: int, logprob: float) -> Alternative:
    own = tokenizer.id_bytes(token_id)
    return in_characters(own) or tokenizer.piece(token_id), own, logprob


def in_characters(own: bytes) -> str:
    """Bytes as text; those that make no character as `<0xE6>`."""
    return own.decode("utf-8", "surrogateescape").translate(_BROKEN)


_BROKEN = {0xDC00 + byte: f"<0x{byte:02X}>" for byte in range(0x80, 0x100)}


def _cut(stretch: _Stretch, part: slice) -> _Stretch:
    """Part of the text of a stretch as the first of its tokens, now with just those bytes."""
    text = stretch.text[part]
    own = text.encode()
    return _Stretch(text, (replace(stretch.tokens[0], token=text, bytes=own),))
