"""Generated ids → the text that a client gets, and where it ends before the engine ends it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from glmscope.chat.call_gate import CallGate, Token
from glmscope.chat.events import PieceLogprob, ReplyFinish, ToolCall
from glmscope.chat.loop import LoopBrake
from glmscope.chat.repetition import Loop
from glmscope.chat.shown_tokens import ShownTokens, name_token
from glmscope.chat.stops import StopSequences
from glmscope.chat.strip import Strip
from glmscope.chat.trace import ChoiceTrace, ReplyEnd
from glmscope.engine.engine import TokenLogprob
from glmscope.family import Family
from glmscope.text.detokenizer import Detokenizer
from glmscope.text.filters import DateFilter, StopStrings
from glmscope.text.tokenizer import Tokenizer


class ReplyText:
    """One reply as it grows, id by id; the pieces joined do not depend on how ids arrive.

    ChatGLM3's text is passed on raw, with the newline and space after `<|assistant|>`, as the
    service sends it (DashScope protocol, section 4). ChatGLM2's is stripped at both ends, as its
    original does (model specification, section 8.1): white space is held back until more follows.
    A text that `continues` its prompt, as no chat reply does, keeps every space of its own.

    With a `gate`, calls of tools are taken out of the text; stop strings do not look into them.

    With `logprobs`, text is held back up to the end of its token as well, and every id has to come
    with how likely it was.
    """

    finish: ReplyFinish | None
    """Why the reply has ended; None while it goes on. Nothing may be added afterwards."""
    end_token: PieceLogprob | None
    """What ended the reply, if that was a token and the engine told how likely it was."""
    trace: ChoiceTrace
    """Ids added so far: all that were generated up to the end, those of a stop string or a stop
    sequence included, the end token not; and what ended them."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        stop: Sequence[str] = (),
        stop_sequences: Iterable[tuple[int, ...]] = (),
        *,
        continues: bool = False,
        logprobs: bool = False,
        gate: CallGate | None = None,
        trace: ChoiceTrace | None = None,
    ) -> None:
        """`trace`: where to note what was generated, from now on."""
        self.finish = None
        self.end_token = None
        self._tokenizer = tokenizer
        self._gate = gate
        self.trace = trace or ChoiceTrace()
        self.trace.readings = gate.readings if gate else ()
        self._sequences = StopSequences(stop_sequences)
        self._brake = LoopBrake(tokenizer)
        self._detokenizer = Detokenizer(tokenizer, continues=continues)
        self._date = DateFilter()
        self._stop_strings = StopStrings([text for text in stop if text])
        strips = tokenizer.family is Family.CHATGLM2 and not continues
        self._strip = Strip() if strips else None
        self._tokens = ShownTokens(tokenizer, continues=continues) if logprobs else None
        self._waiting: deque[TokenLogprob] = deque()
        """Of the ids that may belong to a stop sequence."""
        self._logprobs: list[PieceLogprob] = []

    @property
    def output_tokens(self) -> int:
        """How many ids count: all that were added, of a loop those up to its first round's end."""
        return self.loop.first_round_end if self.loop else len(self.trace.ids)

    @property
    def loop(self) -> Loop | None:
        """What ended the reply, if a loop did."""
        ended = self.trace.end is not None and self.trace.end.kind == "loop"
        return self._brake.loop if ended else None

    def add(self, token_id: int, logprob: TokenLogprob | None = None) -> str:
        """Text that is certain now; may be empty. May end the reply."""
        if logprob is not None:
            self._waiting.append(logprob)
        return self._whole_tokens(self._add(token_id))

    def take_logprobs(self) -> tuple[PieceLogprob, ...]:
        """The tokens of all text that was given since the last call."""
        taken, self._logprobs = tuple(self._logprobs), []
        return taken

    def take_calls(self) -> Iterable[ToolCall]:
        """The calls that were made since the last time."""
        return self._gate.take_calls() if self._gate else ()

    def _add(self, token_id: int) -> str:
        self.trace.ids.append(token_id)
        self._brake.add(token_id)
        text = self._decode(self._sequences.add(token_id))
        if self._sequences.found is not None:
            return text + self._end("stop", ReplyEnd("stop_sequence", self._sequences.found))
        if self._brake.loop is not None:
            return text + self._end("length", ReplyEnd("loop", self._brake.loop.unit))
        if self._gate and self._gate.is_over:
            return text + self._end("stop", ReplyEnd("token", token_id))
        return text

    def end(
        self,
        reason: ReplyFinish,
        end_id: int | None = None,
        end_logprob: TokenLogprob | None = None,
    ) -> str:
        """The rest of the text, once the engine has ended it; `end_id` is the stop id, if any.

        A stop string that only the rest completes counts as `stop`.
        """
        by = ReplyEnd("token", end_id) if reason == "stop" else ReplyEnd("limit")
        text = self._whole_tokens(self._end(reason, by))
        if end_logprob is not None and self.trace.end is by:
            self.end_token = name_token(self._tokenizer, end_logprob, b"")
        return text

    def _end(self, reason: ReplyFinish, by: ReplyEnd) -> str:
        if self.finish is not None:
            return ""
        text = self._decode(self._sequences.flush())
        if self._gate:
            text += self._show(self._gate.end())
        if self._tokens is not None:
            self._tokens.end()
        text += self._filter(self._detokenizer.flush())
        text += self._until_stop(self._date.flush())
        text += self._stripped(self._stop_strings.flush())
        if self.finish is None:
            self.finish = self._reason(reason)
            self.trace.end = by
        return text

    def _reason(self, reason: ReplyFinish) -> ReplyFinish:
        """A call that is whole is to be followed, whatever ended the reply after it."""
        gate = self._gate
        if gate and gate.called and (reason == "stop" or gate.ends_with_call):
            return "tool_calls"
        return reason

    def _decode(self, ids: Iterable[int]) -> str:
        tokens = ((each, self._waiting.popleft() if self._tokens else None) for each in ids)
        if self._gate is None:
            return self._show(tokens)
        return "".join(self._show(self._gate.add(token)) for token in tokens)

    def _show(self, tokens: Iterable[Token]) -> str:
        text = ""
        for token_id, logprob in tokens:
            if self._tokens is not None and logprob is not None:
                self._tokens.add(logprob)
            text += self._filter(self._detokenizer.add(token_id))
        return text

    def _whole_tokens(self, text: str) -> str:
        if self._tokens is None:
            return text
        text, logprobs = self._tokens.show(text, last=self.finish is not None)
        self._logprobs += logprobs
        return text

    def _filter(self, text: str) -> str:
        return self._until_stop(self._date.add(text))

    def _until_stop(self, text: str) -> str:
        text, stopped = self._stop_strings.add(text)
        if stopped:
            self.finish = "stop"
            self.trace.end = ReplyEnd("stop_string", self._stop_strings.found)
        return self._stripped(text)

    def _stripped(self, text: str) -> str:
        return text if self._strip is None else self._strip.add(text)
