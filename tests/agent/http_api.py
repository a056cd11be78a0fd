"""An HTTP API and its OpenAPI page: what tests of such tools share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glmscope.agent.tool import ToolRegistry, ToolResult
from glmscope.agent.tools.http_source import open_http
from glmscope.agent.tools.settings import HttpSource

PAGE = """
openapi: 3.0.3
info: {title: Weather, version: "1"}
paths:
  /forecast/{city}:
    parameters:
      - {name: city, in: path, required: true, schema: {type: string}}
    get:
      operationId: forecast
      summary: The forecast of a city.
      parameters:
        - {name: days, in: query, description: How many, schema: {type: integer, maximum: 7}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: codes, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: X-Unit, in: header, schema: {type: string, nullable: true}}
        - {name: X-Key, in: header, schema: {type: string}}
        - {name: since, in: query, schema: {type: string, format: date, default: 2020-01-01}}
      responses: {200: {description: fine}}
  /reports:
    post:
      description: Reports the weather.
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Report"}}}
  /tags:
    put:
      operationId: put tags
      requestBody:
        content: {application/json: {schema: {type: array, items: {type: string}}}}
  /{kind}:
    get:
      operationId: other
      parameters: [{$ref: "#/components/parameters/Kind"}]
  /upload:
    post:
      operationId: upload
      requestBody: {required: true, content: {image/png: {}}}
components:
  parameters:
    Kind: {name: kind, in: path, required: true, schema: {type: string}}
  schemas:
    Report:
      type: object
      required: [place]
      properties:
        place: {$ref: "#/components/schemas/Place"}
        text: {type: string}
    Place: {type: object, properties: {name: {type: string}}, required: [name]}
    Unused: {type: string}
"""


@dataclass
class Api:
    """An HTTP server that answers what it was asked, or what a test wants."""

    url: str
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


async def asked(source: HttpSource, name: str, arguments: Mapping[str, Any]) -> ToolResult:
    async with open_http(source) as tools:
        registry = ToolRegistry(tools)
        return await registry.run(registry.tools[name], arguments)
