"""The tools that a request offers to the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmscope.engine.engine import CallableTool, CallRule
from glmscope.engine.json_nodes import JsonSchema
from glmscope.engine.json_schema import read_json_schema
from glmscope.errors import InvalidParameter
from glmscope.text.call_reading import is_tool_name
from glmscope.text.code import INTERPRETER

MOST_TOOLS = 128
LONGEST_SCHEMAS = 65_536
"""Characters of all parameters together: what is prepared for a request holds up the others."""
MOST_COUNTED = 4096
"""Of the strings of all tools together, where their lengths are bounded, for the same reason."""

_ELSEWHERE = {"$ref", "allOf", "anyOf", "oneOf", "const", "enum"}
"""Keywords that say what a schema is all by themselves."""

_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function as it was declared, and the schema that its arguments are held to."""

    name: str
    description: str | None
    parameters: Mapping[str, Any]
    held: CallableTool
    schema: JsonSchema

    @classmethod
    def declare(
        cls, name: str, description: str | None, parameters: Mapping[str, Any] | None, where: str
    ) -> Tool:
        """Check a declaration; `where` names it in errors.

        Without `parameters`, or where they list none, there are none: arguments that are not
        listed are never written, unless `additionalProperties` asks for them.

        Raises InvalidParameter for a name that is no name, for parameters that are not an object,
        and for a schema that cannot be followed.
        """
        if not is_tool_name(name):
            raise InvalidParameter(
                f"{where}.name should be 1 to 64 letters, digits, underscores, dashes or dots.",
                param=f"{where}.name",
            )
        given = parameters or _NO_PARAMETERS
        param = f"{where}.parameters"
        not_an_object = InvalidParameter(f'{param} should have the type "object".', param=param)
        if given.get("type") not in (None, "object"):
            raise not_an_object
        try:
            text = json.dumps(_closed(given), ensure_ascii=False)
            text.encode()
        except (ValueError, RecursionError):
            raise InvalidParameter(
                f"{param} holds what cannot be written as JSON.", param=param
            ) from None
        schema = read_json_schema(text, param)
        if schema.as_object() is None:
            raise not_an_object
        return cls(name, description, given, CallableTool(name, text), schema)

    @property
    def shown(self) -> dict[str, Any]:
        """The description as the model reads it (model specification, section 8.2)."""
        described = {} if self.description is None else {"description": self.description}
        return {"name": self.name, **described, "parameters": self.parameters}

    @property
    def sole_argument(self) -> str | None:
        """The argument that needs no name: the only one, or the only one that is required."""
        parameters = self.schema.as_object()
        properties = () if parameters is None else parameters.properties
        required = [each.name for each in properties if each.required]
        names = required or [each.name for each in properties]
        return names[0] if len(names) == 1 else None


def _closed(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without arguments that it does not list, unless it asks for them."""
    if _ELSEWHERE & parameters.keys():
        return parameters
    return {"additionalProperties": False, **parameters}


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """What is offered, and what is to be made of it.

    All `tools` are shown to the model. With `must_call` it has to call one, with `only` it may
    call just those of these names, without `several` at most one in a turn. `as_text` leaves calls
    in the text as they were generated. With `interpreter` it may also send code to be run.
    """

    tools: tuple[Tool, ...]
    must_call: bool = False
    only: tuple[str, ...] | None = None
    several: bool = True
    as_text: bool = False
    interpreter: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidParameter for too much, and for two tools of one name."""
        if len(self.tools) > MOST_TOOLS:
            raise InvalidParameter(f"tools may have {MOST_TOOLS} entries.", param="tools")
        if sum(len(tool.held.parameters) for tool in self.tools) > LONGEST_SCHEMAS:
            raise InvalidParameter(
                f"The parameters of all tools may have {LONGEST_SCHEMAS} characters.", param="tools"
            )
        if sum(tool.schema.counted for tool in self.tools) > MOST_COUNTED:
            raise InvalidParameter(
                f"The bounded strings of all tools may have {MOST_COUNTED} characters together.",
                param="tools",
            )
        names = [tool.name for tool in self.tools] + [INTERPRETER] * self.interpreter
        for name in names:
            if names.count(name) > 1:
                raise InvalidParameter(f'Two tools are called "{name}".', param="tools")
        for name in self.only or ():
            if name not in names:
                raise InvalidParameter(
                    f'tool_choice names "{name[:64]}", which is none of the tools.',
                    param="tool_choice",
                )

    @property
    def takes_code(self) -> bool:
        """Whether code may be sent to the interpreter."""
        return self.interpreter and (self.only is None or INTERPRETER in self.only)

    @property
    def callable(self) -> tuple[Tool, ...]:
        """The tools that may be called."""
        return tuple(tool for tool in self.tools if self.only is None or tool.name in self.only)

    def rule(self) -> CallRule:
        """What an engine can hold a reply to."""
        tools = tuple(tool.held for tool in self.callable)
        code = INTERPRETER if self.takes_code else None
        return CallRule(tools, must_call=self.must_call, several=self.several, code=code)
