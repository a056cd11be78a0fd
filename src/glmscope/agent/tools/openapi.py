"""An OpenAPI page: the operations that it describes, as tools can have them.

Source: OpenAPI specification 3.0 and 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmscope.agent.tools.openapi_schema import SCHEMAS, definitions, json_schema
from glmscope.errors import UsageError

_METHODS = ("get", "post", "put", "patch", "delete")
_LONGEST_NAME = 64
_BODY = "body"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool, and where it stands in the request."""

    name: str
    place: str
    """`path`, `query`, `header`; `body` for a member of a JSON object, `whole body` for all."""
    exploded: bool = True
    """Of a list in the query: as one parameter for each item, not as one with commas."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that can be made."""

    name: str
    description: str
    method: str
    path: str
    """Below the address of the API, with `{name}` where an argument stands."""
    arguments: tuple[Argument, ...]
    parameters: Mapping[str, Any]
    """The JSON schema of the arguments."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A described operation that cannot be a tool, and why."""

    name: str
    reason: str


class _UnusableError(Exception):
    """Why an operation cannot be a tool."""


def read_page(page: object, where: str) -> list[Operation | LeftOut]:
    """The operations of a page that was parsed from JSON or YAML; `where` names it.

    Raises UsageError for what is no OpenAPI page of version 3.
    """
    if not isinstance(page, dict) or not str(page.get("openapi", "")).startswith("3."):
        raise UsageError(f"{where} is no OpenAPI page of version 3.")
    paths = page.get("paths")
    if not isinstance(paths, dict):
        raise UsageError(f"{where} describes no paths.")
    found: list[Operation | LeftOut] = []
    for path, item in paths.items():
        for method in _METHODS:
            if isinstance(item, dict) and isinstance(described := item.get(method), dict):
                found.append(_operation(page, str(path), method, item, described))
    return found


def _operation(
    page: dict[str, Any], path: str, method: str, item: dict[str, Any], described: dict[str, Any]
) -> Operation | LeftOut:
    name = str(described.get("operationId") or f"{method}{path}")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:_LONGEST_NAME]
    told = [described.get("summary"), described.get("description")]
    description = "\n".join(str(text) for text in told if text) or f"{method.upper()} {path}"
    reader = _Arguments(page)
    try:
        for each in [*_list(item.get("parameters")), *_list(described.get("parameters"))]:
            reader.add_parameter(each)
        reader.add_body(described.get("requestBody"))
        reader.check_path(path)
    except _UnusableError as reason:
        return LeftOut(name, str(reason))
    return Operation(
        name, description, method.upper(), path, tuple(reader.arguments.values()), reader.schema()
    )


class _Arguments:
    """Gathers the arguments of one operation."""

    def __init__(self, page: dict[str, Any]) -> None:
        self._page = page
        self.arguments: dict[str, Argument] = {}
        self._schemas: dict[str, dict[str, Any]] = {}
        self._required: dict[str, bool] = {}

    def add_parameter(self, given: object) -> None:
        """A parameter of the path or the operation; the later one of a name counts."""
        parameter = self._resolved(given)
        name, place = parameter.get("name"), parameter.get("in")
        if not isinstance(name, str) or place not in ("path", "query", "header", "cookie"):
            raise _UnusableError("a parameter has no name or no place")
        if place == "header" and name.lower() in ("accept", "content-type", "authorization"):
            return  # said elsewhere, as the specification has it
        required = parameter.get("required") is True
        if place == "cookie" or "content" in parameter:
            if required:
                raise _UnusableError(f'parameter "{name}" is a cookie or has a content type')
            return
        schema = json_schema(parameter.get("schema"))
        if schema.get("type") == "object" or "properties" in schema:
            raise _UnusableError(f'parameter "{name}" is an object')
        if (earlier := self.arguments.get(name)) and earlier.place != place:
            raise _UnusableError(f'two parameters are called "{name}"')
        exploded = place == "query" and parameter.get("explode", True) is not False
        if "description" in parameter:
            schema.setdefault("description", parameter["description"])
        self._add(Argument(name, str(place), exploded), schema, required)

    def add_body(self, given: object) -> None:
        """A JSON body: its members as arguments, or all of it as the argument `body`."""
        if given is None:
            return
        body = self._resolved(given)
        content = body.get("content")
        media = content.get("application/json") if isinstance(content, dict) else None
        required = body.get("required") is True
        if not isinstance(media, dict):
            if required:
                raise _UnusableError("its body is not JSON")
            return
        schema = json_schema(media.get("schema"))
        members = json_schema(self._named(schema)).get("properties")
        if not isinstance(members, dict) or self.arguments.keys() & members.keys():
            if _BODY in self.arguments:
                raise _UnusableError(f'two parameters are called "{_BODY}"')
            self._add(Argument(_BODY, "whole body"), schema, required)
            return
        demanded = self._named(schema).get("required")
        for name, member in members.items():
            must = required and isinstance(demanded, list) and name in demanded
            self._add(Argument(name, "body"), member, must)

    def check_path(self, path: str) -> None:
        """Raises for a place in the path that no argument fills."""
        for name in re.findall(r"\{([^{}]*)\}", path):
            if name not in self.arguments or self.arguments[name].place != "path":
                raise _UnusableError(f'its path has "{name}", which is no parameter')
            self._required[name] = True

    def schema(self) -> dict[str, Any]:
        """The schema of all arguments."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": self._schemas,
            "required": [name for name, required in self._required.items() if required],
            "additionalProperties": False,
        }
        if named := definitions(schema, _schemas(self._page)):
            schema["$defs"] = named
        return schema

    def _add(self, argument: Argument, schema: dict[str, Any], required: bool) -> None:
        self.arguments[argument.name] = argument
        self._schemas[argument.name] = schema
        self._required[argument.name] = required

    def _named(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What a schema that is only a reference refers to."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        named = _schemas(self._page).get(reference.rpartition("/")[2])
        return named if isinstance(named, dict) else {}

    def _resolved(self, given: object) -> dict[str, Any]:
        """An object of the page, or the component that it refers to."""
        found = given
        if isinstance(given, dict) and isinstance(reference := given.get("$ref"), str):
            found = self._page
            for part in reference.removeprefix("#/").split("/"):
                found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise _UnusableError("it refers to something that the page does not hold")
        return found


def _schemas(page: dict[str, Any]) -> dict[str, Any]:
    found: object = page
    for part in SCHEMAS.strip("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
