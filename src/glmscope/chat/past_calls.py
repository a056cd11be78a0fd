"""Calls of earlier turns, as a client hands them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmscope.errors import InvalidParameter
from glmscope.text.call_reading import is_tool_name
from glmscope.text.code import INTERPRETER, write_code
from glmscope.text.toolcall import write_fenced_call


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call of an earlier turn; `id` is what its result may name it by.

    One of the interpreter has `code` in the place of arguments.
    """

    id: str | None
    name: str
    arguments: Mapping[str, Any]
    code: str | None = None

    @classmethod
    def checked(
        cls, call_id: str | None, name: str, arguments: Mapping[str, Any], where: str
    ) -> PastCall:
        """A call that can be written into a prompt; `where` names it in errors.

        Raises InvalidParameter for a name that is no name, and for arguments that are nested too
        deep or hold numbers that are infinite.
        """
        if not is_tool_name(name):
            raise InvalidParameter(
                f"{where}.name should be 1 to 64 letters, digits, underscores, dashes or dots.",
                param=f"{where}.name",
            )
        call = cls(call_id, name, arguments)
        try:
            _ = call.text
        except ValueError as error:
            param = f"{where}.arguments"
            raise InvalidParameter(f"{param} cannot be used: {error}", param=param) from None
        return call

    @classmethod
    def of_code(cls, call_id: str | None, code: str) -> PastCall:
        """Code that was run."""
        return cls(call_id, INTERPRETER, {}, code)

    @property
    def text(self) -> str:
        """The call as the model writes it, and reads it in a conversation's history."""
        return write_fenced_call(self.arguments) if self.code is None else write_code(self.code)
