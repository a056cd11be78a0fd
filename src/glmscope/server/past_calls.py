"""Calls of an earlier turn, as a client hands an assistant message back."""

from __future__ import annotations

from glmscope.chat.request import PastCall
from glmscope.errors import IllegalInput, InvalidParameter
from glmscope.server import fields, json_text
from glmscope.server.fields import Fields
from glmscope.text.call_reading import is_tool_name
from glmscope.text.toolcall import Value, write_tool_call


def read_past_calls(message: Fields, where: str) -> tuple[PastCall, ...]:
    """`tool_calls` of a message, or its old `function_call`. Raises InvalidParameter."""
    calls = message.get("tool_calls")
    if calls is None or calls == []:
        single = message.get("function_call")
        if single is None:
            return ()
        return (_call(single, None, f"{where}.function_call"),)
    if not isinstance(calls, list):
        raise InvalidParameter(f"{where}.tool_calls should be a list.", param=f"{where}.tool_calls")
    return tuple(_listed(call, f"{where}.tool_calls[{n}]") for n, call in enumerate(calls))


def _listed(call: object, where: str) -> PastCall:
    if not isinstance(call, dict) or call.get("type") not in (None, "function"):
        raise InvalidParameter(f'{where} should be an object of the type "function".', param=where)
    call_id = call.get("id")
    if call_id is not None:
        call_id = fields.text(call_id, f"{where}.id")
    # An empty id is what a stream's merger leaves where there was none.
    return _call(call.get("function"), call_id or None, f"{where}.function")


def _call(function: object, call_id: str | None, where: str) -> PastCall:
    if not isinstance(function, dict):
        raise InvalidParameter(f"{where} should be an object.", param=where)
    name = fields.text(function.get("name"), f"{where}.name")
    if not is_tool_name(name):
        raise InvalidParameter(
            f"{where}.name should be 1 to 64 letters, digits, underscores, dashes or dots.",
            param=f"{where}.name",
        )
    return PastCall(call_id, name, _arguments(function.get("arguments"), f"{where}.arguments"))


def _arguments(given: object, where: str) -> dict[str, Value]:
    """The object that a JSON text holds; none at all where the text is empty."""
    text = "" if given is None else fields.text(given, where)
    try:
        arguments: dict[str, Value] = json_text.load_object(
            text.encode() if text.strip() else b"{}"
        )
        # What cannot be written into the prompt is refused here, where it can be named.
        write_tool_call(arguments)
    except (IllegalInput, ValueError):
        raise InvalidParameter(
            f"{where} should be a string that holds a JSON object.", param=where
        ) from None
    return arguments
