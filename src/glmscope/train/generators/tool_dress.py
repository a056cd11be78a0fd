"""Dresses tools up anew for each dialogue, so that names are read and not learned."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from glmscope.text.toolcall import Value
from glmscope.train.generators.tool_kit import SPELLED, Kind, Said, Tool
from glmscope.train.generators.tool_names import parameter_words, tool_words
from glmscope.train.generators.tool_values import Language, Words

_STYLES = ("snake",) * 11 + ("camel",) * 5 + ("pascal",) * 2 + ("kebab", "flat")
_Frames: TypeAlias = Mapping[Language, Sequence[str]]
_ABOUT_TOOL: _Frames = {
    "zh": (
        *("{}。", "{}的工具", "用于{}", "工具：{}", "{}的接口", "{}功能", "{}的服务", "可以{}"),
        *(
            "{}，需要时调用",
            "当用户要{}时使用本工具。",
            "这个函数用来{}，返回 JSON。",
            "{}（实时）",
        ),
        *(
            "{}。参数请按用户原话填写。",
            "【{}】",
            "{}，每次只处理一条请求",
            "帮助用户{}，结果以文本返回",
        ),
    ),
    "en": (
        *("{}.", "{} (tool)", "Tool: {}", "{}, for the user.", "API. {}.", "Function: {}"),
        *(
            "{}. Returns JSON.",
            "{}. Use this when the user asks for it.",
            "{} - one request a call",
        ),
        *("{}. Fill in what the user said.", "This function serves to: {}", "{} (live data)"),
        "{}. Do not call it for anything else.",
    ),
}
_ABOUT_PARAMETER: _Frames = {
    "zh": (
        *(
            "{}。",
            "{}（必填）",
            "{}，按用户所说",
            "用户给出的{}",
            "参数：{}",
            "指定的{}",
            "{}，不能为空",
        ),
        *("要用的{}", "{}，照原文填写", "即{}", "请求里的{}"),
    ),
    "en": (
        *("{}.", "{} (required)", "{}, as the user said", "Input: {}", "{} as given"),
        *("{}, must not be empty", "{}, word for word", "Parameter: {}", "{} in the request"),
    ),
}
_EXAMPLES: _Frames = {
    "zh": ("，例如{}", "，如{}", "（如：{}）", "，比如 {}", "。示例：{}"),
    "en": (", e.g. {}", ", for example {}", " (such as {})", ", like {}", ". Example: {}"),
}
_EXAMPLE_SHARE = 0.14


@dataclass(frozen=True)
class _Parameter:
    name: str
    type: str
    codes: Mapping[str, Value]
    counts: bool
    """Whether an array holds numbers."""

    def value(self, said: Said) -> Value:
        if self.type == "array":
            return [_number(part) if self.counts else part for part in said.parts]
        if said.surface in self.codes:
            return self.codes[said.surface]
        return said.surface if self.type == "string" else _number(said.surface)


def _number(said: str) -> int | float:
    said = _SPELLED_NUMBERS.get(said, said)
    return float(said) if "." in said else int(said)


_SPELLED_NUMBERS = {word: digits for words in SPELLED.values() for digits, word in words.items()}


@dataclass(frozen=True)
class DressedTool:
    """A tool as one dialogue offers it."""

    tool: Tool
    name: str
    description: dict[str, Any]
    _parameters: Mapping[str, _Parameter]
    _objects: Mapping[str, str]

    def arguments(self, said: Mapping[str, Said]) -> dict[str, Value]:
        """The arguments that stand for these values, in the order of the description."""
        arguments: dict[str, Value] = {}
        for slot, parameter in self._parameters.items():
            if slot not in said:
                continue
            value = parameter.value(said[slot])
            if slot in self._objects:
                fields = arguments.setdefault(self._objects[slot], {})
                if isinstance(fields, dict):
                    fields[parameter.name] = value
            else:
                arguments[parameter.name] = value
        return arguments


@dataclass(frozen=True)
class Dress:
    """What all tools of one dialogue have in common: the style of names, the amount of words."""

    language: Language
    style: str
    describes_parameters: bool
    describes_first: bool
    lists_required: bool
    is_strict: bool
    words: Words
    """Where the examples in descriptions come from."""

    @classmethod
    def draw(cls, rng: random.Random, language: Language, words: Words) -> Dress:
        """Descriptions are mostly in the user's language."""
        other: Language = "en" if language == "zh" else "zh"
        return cls(
            language=other if rng.random() < (0.2 if language == "zh" else 0.08) else language,
            style=rng.choice(_STYLES),
            describes_parameters=rng.random() < 0.7,
            describes_first=rng.random() < 0.25,
            lists_required=rng.random() < 0.94,
            is_strict=rng.random() < 0.04,
            words=words,
        )


def dress(
    rng: random.Random, tool: Tool, outfit: Dress, said: Sequence[Mapping[str, Said]] = ()
) -> DressedTool:
    """The tool with names, descriptions and order drawn anew, fit for calls with all of `said`."""
    named = {slot for values in said for slot in values}
    slots = [
        *tool.required,
        *(slot for slot in tool.optional if slot in named or rng.random() < 0.4),
    ]
    if rng.random() < 0.4:
        rng.shuffle(slots)
    slots = _grouped(slots, tool.objects)
    parameters: dict[str, _Parameter] = {}
    schemas: dict[str, dict[str, Any]] = {}
    taken: set[str] = set(tool.objects)
    for slot in slots:
        surfaces = [values[slot].surface for values in said if slot in values]
        parameter, schema = _dress_parameter(rng, tool.kinds[slot], outfit, surfaces, taken)
        parameters[slot], schemas[slot] = parameter, schema
    # What every question says may well be required: users of that tool would say it.
    always = set.intersection(*map(set, said)) if said and rng.random() < 0.5 else set()
    required = [slot for slot in slots if slot in tool.required or slot in always]
    owners = {slot: owner for owner, owned in tool.objects.items() for slot in owned}
    properties: dict[str, Any] = {}
    for slot, schema in schemas.items():
        home = properties
        if slot in owners:
            nested = properties.setdefault(owners[slot], {"type": "object", "properties": {}})
            home = nested["properties"]
        home[parameters[slot].name] = schema
    whole: dict[str, Any] = {"type": "object", "properties": properties}
    if outfit.lists_required:
        names = (owners.get(slot, parameters[slot].name) for slot in required)
        whole["required"] = list(dict.fromkeys(names))
    if outfit.is_strict:
        whole["additionalProperties"] = False
    style = outfit.style if rng.random() < 0.85 else rng.choice(_STYLES)
    name = styled(tool_words(rng, tool.names), style)
    about = _described(rng, tool.about[outfit.language], _ABOUT_TOOL[outfit.language])
    description = {"name": name, "description": about, "parameters": whole}
    return DressedTool(tool, name, description, parameters, owners)


def _described(rng: random.Random, about: Sequence[str], frames: Sequence[str]) -> str:
    return rng.choice(frames).format(rng.choice(about)) if rng.random() < 0.4 else rng.choice(about)


def styled(words: str, style: str) -> str:
    """`get weather` as get_weather (snake), getWeather (camel), GetWeather (pascal) and so on."""
    first, *rest = words.split(" ")
    if style == "camel":
        return first + "".join(word[:1].upper() + word[1:] for word in rest)
    if style == "pascal":
        return "".join(word[:1].upper() + word[1:] for word in (first, *rest))
    return {"snake": "_", "kebab": "-", "flat": ""}[style].join((first, *rest))


def _dress_parameter(
    rng: random.Random, kind: Kind, outfit: Dress, surfaces: Sequence[str], taken: set[str]
) -> tuple[_Parameter, dict[str, Any]]:
    # Hyphens cannot stand in keyword arguments.
    style = "snake" if outfit.style in ("kebab", "pascal") else outfit.style
    plain = not outfit.describes_parameters
    name = styled(parameter_words(rng, kind.names, plain), style)
    while name in taken:
        name = styled(parameter_words(rng, kind.names, plain), style)
    taken.add(name)
    type_name = rng.choice(kind.types or (kind.type,))
    if type_name == "integer" and not kind.types and rng.random() < 0.04:
        type_name = "string"
    schema: dict[str, Any] = {"type": type_name}
    codes: Mapping[str, Value] = {}
    if kind.many:
        type_name = "array"
        schema = {"type": "array", "items": {"type": kind.type}}
    elif type_name == "boolean":
        codes = kind.codes
    elif kind.choices and rng.random() < (0.7 if kind.enum else 0.15):
        listed, codes = _listed(rng, kind, outfit.language, surfaces)
        schema["enum"] = listed
    if type_name == "integer" and rng.random() < _EXAMPLE_SHARE / 3:
        schema["minimum"] = rng.choice((0, 1))
    if outfit.describes_parameters:
        words = _described(rng, kind.about[outfit.language], _ABOUT_PARAMETER[outfit.language])
        if kind.draw and not kind.free and rng.random() < _EXAMPLE_SHARE:
            example = outfit.words.draw(rng, kind.draw, outfit.language)
            words = words.rstrip("。.") + rng.choice(_EXAMPLES[outfit.language]).format(example)
        about = {"description": words}
        schema = {**about, **schema} if outfit.describes_first else {**schema, **about}
    return _Parameter(name, type_name, codes, kind.type != "string"), schema


def _listed(
    rng: random.Random, kind: Kind, language: Language, surfaces: Sequence[str]
) -> tuple[list[Value], Mapping[str, Value]]:
    """A few values for an enum, those that users say among them; and codes, if it lists those."""
    uses_codes = bool(kind.codes) and rng.random() < 0.25
    uses_codes = uses_codes and all(surface in kind.codes for surface in surfaces)
    others = rng.sample(kind.choices[language], k=min(3, len(kind.choices[language])))
    said: Iterable[str] = [*surfaces, *others]
    if uses_codes:
        said = [surface for surface in said if surface in kind.codes]
    listed = list(dict.fromkeys(kind.codes[each] if uses_codes else each for each in said))
    rng.shuffle(listed)
    return listed, kind.codes if uses_codes else {}


def _grouped(slots: Iterable[str], objects: Mapping[str, Sequence[str]]) -> list[str]:
    """The slots with those of one object behind one another, as its fields stand in the call."""
    owner = {slot: key for key, owned in objects.items() for slot in owned}
    order: dict[str, list[str]] = {}
    for slot in slots:
        order.setdefault(owner.get(slot, slot), []).append(slot)
    return [slot for group in order.values() for slot in group]
