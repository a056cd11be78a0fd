"""Random declarations of tools' parameters, of every kind that can be held to."""

from __future__ import annotations

import random
from typing import Any

Schema = dict[str, Any]
_NAMES = ["city", "days", "unit", "from", "user-id", "城市", "x1", "_y", 'a "quoted" name', "it's"]


def random_parameters(rng: random.Random) -> Schema:
    """An object of up to five members, some required, one of them perhaps by reference."""
    schema = _object(rng, 3)
    if rng.random() < 0.2 and schema["properties"]:
        name = next(iter(schema["properties"]))
        schema["$defs"] = {"part": schema["properties"][name]}
        schema["properties"][name] = {"$ref": "#/$defs/part"}
    return schema


def _object(rng: random.Random, deeper: int) -> Schema:
    names = rng.sample(_NAMES, rng.randint(0, 5))
    schema: Schema = {
        "type": "object",
        "properties": {name: _value(rng, deeper - 1) for name in names},
        "required": [name for name in names if rng.random() < 0.6],
    }
    if names or rng.random() < 0.5:
        schema["additionalProperties"] = False
    return schema


def _value(rng: random.Random, deeper: int) -> Schema:
    kinds = ["string", "integer", "number", "boolean", "null", "enum", "const", "range", "text"]
    if deeper:
        kinds += ["object", "array", "anyOf"]
    kind = rng.choice(kinds)
    if kind == "enum":
        return {
            "enum": rng.sample(["a", "it's", '"', "多云", 1, 2.5, True, None, [1], {"k": 0}], 3)
        }
    if kind == "const":
        return {"const": rng.choice(["x", "\n", "\\", 0])}
    if kind == "range":
        return _range(rng)
    if kind == "text":
        return {"type": "string", "minLength": rng.randint(0, 2), "maxLength": rng.randint(2, 6)}
    if kind == "object":
        return _object(rng, deeper)
    if kind == "array":
        items = _value(rng, deeper - 1)
        return {"type": "array", "items": items, "minItems": rng.randint(0, 2), "maxItems": 4}
    if kind == "anyOf":
        return {"anyOf": [_value(rng, deeper - 1), {"type": "null"}]}
    schema: Schema = {"type": kind}
    if kind in ("integer", "number") and rng.random() < 0.3:
        schema["minimum"] = 0
    return schema


def _range(rng: random.Random) -> Schema:
    """Numbers between two ends, or beyond one, either of which may not belong to it."""
    integer = rng.random() < 0.6
    size = 10 ** rng.randint(1, 6)
    ends = sorted(rng.sample(range(-size, size + 1), 2))
    low, high = ends if integer else [end / 4 for end in ends]
    if integer and high - low < 2:
        high = low + 2
    schema: Schema = {"type": "integer" if integer else "number"}
    chosen = rng.choice(["both", "low", "high"])
    if chosen != "high":
        schema[rng.choice(["minimum", "exclusiveMinimum"])] = low
    if chosen != "low":
        schema[rng.choice(["maximum", "exclusiveMaximum"])] = high
    return schema
