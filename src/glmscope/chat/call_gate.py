"""Between the ids of a reply and its text: what turns out to be the call of a tool goes no further.

Source: model specification, section 8.2 "Generated turn".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from glmscope.chat.events import ToolCall
from glmscope.chat.tools import Tool
from glmscope.chat.trace import PartReading
from glmscope.engine.engine import TokenLogprob
from glmscope.engine.json_follow import follows
from glmscope.text.call_reading import NoCall, ReadCall, called_name, read_call
from glmscope.text.code import INTERPRETER, ReadCode, read_code
from glmscope.text.detokenizer import Detokenizer
from glmscope.text.tokenizer import Tokenizer
from glmscope.text.toolcall import Value

Token: TypeAlias = tuple[int, TokenLogprob | None]


class CallGate:
    """Follows a ChatGLM3 turn part by part; `<|assistant|>` begins the next part.

    A part whose header line is empty is a text and passes at once; one that may begin with the
    name of a tool is held back until that is known, and one that does, until it ends. Then it is
    a call, or, where it cannot be read as one, a text after all: what was held back passes whole.
    """

    readings: list[PartReading]
    """What was made of the parts that have a header line."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        tools: Iterable[Tool],
        *,
        several: bool,
        takes_code: bool = False,
    ) -> None:
        self.readings = []
        self._tokenizer = tokenizer
        self._tools = {tool.name: tool for tool in tools}
        self._names = [*self._tools, *[INTERPRETER] * takes_code]
        self._takes_code = takes_code
        self._sole_arguments = {tool.name: tool.sole_argument for tool in self._tools.values()}
        self._several = several
        self._made: list[ToolCall] = []
        self._count = 0
        self._held: list[Token] = []
        self._passing = False
        self._was_call = False
        self._begin()

    @property
    def called(self) -> bool:
        """Whether there was a call."""
        return self._count > 0

    @property
    def ends_with_call(self) -> bool:
        """Whether the part that came last was a call."""
        return self._was_call

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be said: one call is all that was asked for."""
        return self.called and not self._several

    def add(self, token: Token) -> Sequence[Token]:
        """Tokens that are text now."""
        if token[0] == self._tokenizer.special.assistant:
            held = self.end()
            self._begin()
            return held
        if self._passing:
            return (token,)
        self._held.append(token)
        self._text += self._detokenizer.add(token[0])
        self._passing = self._is_text()
        return self._release() if self._passing else ()

    def end(self) -> Sequence[Token]:
        """The part is complete; tokens that were held back and are text."""
        if self._passing or not self._held:
            return ()
        self._text += self._detokenizer.flush()
        reading = self._read()
        if isinstance(reading, NoCall):
            self._note(reading.reason)
            return self._release()
        self.readings.append(PartReading("call", reading.repairs))
        self._held = []
        self._was_call = True
        name, values = _called(reading)
        arguments = json.dumps(values, ensure_ascii=False)
        call_id = f"call_{uuid.uuid4().hex[:24]}"
        self._made.append(ToolCall(self._count, call_id, name, arguments))
        self._count += 1
        return ()

    def take_calls(self) -> Iterator[ToolCall]:
        """The calls that were made since the last time."""
        made, self._made = self._made, []
        return iter(made)

    def _begin(self) -> None:
        self._detokenizer = Detokenizer(self._tokenizer)
        self._text = ""
        self._held = []
        self._passing = False
        self._was_call = False

    def _is_text(self) -> bool:
        """Whether the part cannot begin with the name of a tool any more."""
        begun = self._text.lstrip(" ")
        if called_name(begun, self._names) or any(name.startswith(begun) for name in self._names):
            return False
        if not begun.startswith("\n"):
            self._note("it does not begin with the name of a declared tool")
        return True

    def _read(self) -> ReadCall | ReadCode | NoCall:
        if self._takes_code and called_name(self._text, self._names) == INTERPRETER:
            return read_code(self._text)
        reading = read_call(self._text, self._sole_arguments)
        if isinstance(reading, NoCall):
            return reading
        if not follows(self._tools[reading.name].schema, reading.parameters):
            return NoCall("the arguments of its call do not follow what the tool declares")
        return reading

    def _release(self) -> Sequence[Token]:
        held, self._held = self._held, []
        return held

    def _note(self, reason: str) -> None:
        self.readings.append(PartReading("text", reason=reason))


def _called(reading: ReadCall | ReadCode) -> tuple[str, dict[str, Value]]:
    """What is called, and with what; code is the one argument of the interpreter."""
    if isinstance(reading, ReadCode):
        return INTERPRETER, {"code": reading.code}
    return reading.name, reading.parameters
