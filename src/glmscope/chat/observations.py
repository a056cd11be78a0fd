"""Which call of a conversation each tool message answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from glmscope.chat.past_calls import PastCall
from glmscope.chat.request import Message
from glmscope.errors import InvalidParameter


def answered_in_turn(messages: Sequence[Message]) -> list[Message]:
    """The same conversation with each call followed at once by its result.

    The network was trained on a call and its observation by turns, so several calls of one
    message are taken apart; calls without a result stay where they were. Raises InvalidParameter
    for a result that answers none of the calls before it, or one that has been answered.
    """
    ordered: list[Message] = []
    asking: _Asking | None = None
    for index, message in enumerate(messages):
        if message.role == "tool" and asking is not None:
            asking.answer(message, index)
            continue
        if asking is not None:
            ordered += asking.in_turn()
        asking = _Asking(message) if message.calls else None
        if asking is None:
            ordered.append(message)
    return ordered if asking is None else ordered + asking.in_turn()


class _Asking:
    """An assistant message with calls, and the results that have come."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._results: list[Message | None] = [None] * len(message.calls)

    def answer(self, result: Message, index: int) -> None:
        """Put a result to its call; `index` is its place in the conversation."""
        place = next(
            (
                number
                for number, (call, known) in enumerate(
                    zip(self._message.calls, self._results, strict=True)
                )
                if known is None and _fits(call, result)
            ),
            None,
        )
        if place is None:
            raise InvalidParameter(
                f"messages[{index}] answers no call of the assistant message before it, or one "
                "that has an answer.",
                param=f"messages[{index}].tool_call_id",
            )
        self._results[place] = result

    def in_turn(self) -> list[Message]:
        """The text, then each call and its result."""
        turns: list[Message] = []
        content = self._message.content
        for call, result in zip(self._message.calls, self._results, strict=True):
            turns.append(replace(self._message, content=content, calls=(call,)))
            content = ""
            if result is not None:
                turns.append(result)
        return turns


def _fits(call: PastCall, result: Message) -> bool:
    return None in (call.id, result.call_id) or call.id == result.call_id
