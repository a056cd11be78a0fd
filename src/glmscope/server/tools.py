"""Which tools a request offers, in the shapes that clients send them."""

from __future__ import annotations

from dataclasses import dataclass

from glmscope.chat.tools import MOST_TOOLS, Tool, ToolOffer
from glmscope.errors import InvalidParameter
from glmscope.server import fields
from glmscope.server.fields import Fields


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What is offered, if anything is; `old`: as `functions`, so that a call is told likewise."""

    offer: ToolOffer | None
    old: bool = False


def read_tools(given: Fields, *, as_text: bool = False) -> ToolRequest:
    """`tools` with `tool_choice`, or the older `functions` with `function_call`.

    A tool is `{"type": "function", "function": {"name", "description", "parameters"}}`, or just
    what stands in `function`, as ChatGLM3's own demos have it. With the choice "none" nothing is
    offered. `as_text` asks for calls as the model writes them.

    Raises InvalidParameter for other shapes, for both at once, and as `Tool.declare` does.
    """
    old = bool(given.get("functions"))
    if old and given.get("tools"):
        raise InvalidParameter("functions cannot be combined with tools.", param="functions")
    several = given.get("parallel_tool_calls")
    several = several is None or fields.boolean(given, "parallel_tool_calls")
    listed, chosen = ("functions", "function_call") if old else ("tools", "tool_choice")
    tools = _tools(given, listed)
    must_call, only = _choice(given.get(chosen), chosen, any_tools=bool(tools))
    if not tools or must_call is None:
        return ToolRequest(None)
    for name in only or ():
        if name not in [tool.name for tool in tools]:
            raise InvalidParameter(
                f'{chosen} names "{name[:64]}", which is none of the {listed}.', param=chosen
            )
    return ToolRequest(ToolOffer(tools, must_call, only, several and not old, as_text), old)


def _tools(given: Fields, listed: str) -> tuple[Tool, ...]:
    value = given.get(listed)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidParameter(f"{listed} should be a list.", param=listed)
    if len(value) > MOST_TOOLS:
        raise InvalidParameter(f"{listed} should have at most {MOST_TOOLS} entries.", param=listed)
    return tuple(_tool(each, f"{listed}[{index}]") for index, each in enumerate(value))


def _tool(value: object, where: str) -> Tool:
    if not isinstance(value, dict):
        raise InvalidParameter(f"{where} should be an object.", param=where)
    if "function" in value:
        if value.get("type") not in (None, "function"):
            raise InvalidParameter(f'{where}.type should be "function".', param=f"{where}.type")
        return _function(value["function"], f"{where}.function")
    if value.get("type") not in (None, "function"):
        raise InvalidParameter(
            f"{where} is of a type that this model does not have; it calls functions.", param=where
        )
    return _function(value, where)


def _function(function: object, where: str) -> Tool:
    if not isinstance(function, dict):
        raise InvalidParameter(f"{where} should be an object.", param=where)
    name = fields.text(function.get("name"), f"{where}.name")
    description = function.get("description")
    if description is not None:
        description = fields.text(description, f"{where}.description")
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidParameter(
            f"{where}.parameters should be an object.", param=f"{where}.parameters"
        )
    return Tool.declare(name, description, parameters, where)


def _choice(
    value: object, chosen: str, *, any_tools: bool
) -> tuple[bool | None, tuple[str, ...] | None]:
    """Whether a call has to be made, None for "none"; and the only tools that may be called."""
    if value in (None, "auto"):
        return False, None
    if value == "none":
        return None, None
    new = chosen == "tool_choice"
    only: tuple[str, ...] | None
    if new and isinstance(value, dict) and value.get("type") == "allowed_tools":
        must_call, only = _allowed(value.get("allowed_tools", value))
    else:
        must_call, only = True, None if new and value == "required" else _one(value, chosen)
    if not any_tools:
        raise InvalidParameter(f"{chosen} asks for a call, but there are no tools.", param=chosen)
    return must_call, only


def _allowed(value: object) -> tuple[bool, tuple[str, ...]]:
    """OpenAI's choice among some of the tools: a mode, and tools by name."""
    given = value if isinstance(value, dict) else {}
    tools = given.get("tools")
    names = [_name(each) for each in tools] if isinstance(tools, list) else []
    only = tuple(name for name in names if name is not None)
    if given.get("mode") not in ("auto", "required") or not names or len(only) < len(names):
        raise InvalidParameter(
            'allowed_tools should have a mode, "auto" or "required", and tools, a list such as '
            '[{"type": "function", "function": {"name": name}}].',
            param="tool_choice",
        )
    return given["mode"] == "required", only


def _one(value: object, chosen: str) -> tuple[str]:
    name = _name(value)
    if name is not None:
        return (name,)
    forms = '"auto", "none", ' + ('"required" or ' if chosen == "tool_choice" else "or ")
    example = '{"type": "function", "function": {"name": name}}'
    example = example if chosen == "tool_choice" else '{"name": name}'
    raise InvalidParameter(f"{chosen} should be {forms}{example}.", param=chosen)


def _name(value: object) -> str | None:
    """The name in `{"function": {"name"}}`, or in `{"name"}`."""
    named = value.get("function", value) if isinstance(value, dict) else None
    name = named.get("name") if isinstance(named, dict) else None
    return name if isinstance(name, str) else None
