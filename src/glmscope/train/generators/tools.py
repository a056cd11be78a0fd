"""Tool calls: questions that need a tool, one that is not there, or none, in ChatGLM3's format."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from glmscope.text.prompt import PromptMessage
from glmscope.text.toolcall import write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_dress import DressedTool
from glmscope.train.generators.tool_kit import Said, Tool, slots_of
from glmscope.train.generators.tool_plain import Plain
from glmscope.train.generators.tool_scene import Material, Scene
from glmscope.train.generators.tool_several import several_calls
from glmscope.train.generators.tool_values import Language
from glmscope.train.generators.tool_written_scene import written_scene

_CHINESE_SHARE = 0.7
_FURTHER_TALK = (0, 0, 1, 2)
"""How many things that need no tool are said after the first."""


def dialogues(
    rng: random.Random, count: int, data: Path, corpus: Path | None = None
) -> Iterator[Dialogue]:
    """Yield `count` dialogues: tool_call, _answer, _round, _several, _ask or _none."""
    material = Material.read(rng, data, corpus)
    scenes: dict[Callable[[Scene], Dialogue], float] = {
        _call: 21,
        _call_and_answer: 10,
        _second_call: 6,
        several_calls: 40,
        written_scene: 65,
        _ask_back: 2,
        _no_tool_needed: 15.5,
        _no_tool_fits: 1.5,
        _thanks: 2,
    }
    for _ in range(count):
        (play,) = rng.choices(list(scenes), weights=list(scenes.values()))
        language: Language = "zh" if rng.random() < _CHINESE_SHARE else "en"
        yield play(Scene(rng, material, language))


def _question(scene: Scene) -> tuple[Tool, str, dict[str, Said]]:
    tool = scene.tool()
    template = scene.rng.choice(tool.questions[scene.language])
    return tool, template, scene.values(tool, slots_of(template))


def _surfaces(dressed: DressedTool, said: Mapping[str, Said]) -> dict[str, str]:
    return {"tool": dressed.name, **{slot: value.surface for slot, value in said.items()}}


def _called(dressed: DressedTool, said: Mapping[str, Said]) -> PromptMessage:
    return PromptMessage("assistant", write_fenced_call(dressed.arguments(said)), dressed.name)


def _call(scene: Scene) -> Dialogue:
    tool, template, said = _question(scene)
    dressed, system = scene.offer(tool, [said])
    user = scene.ask(tool, template, _surfaces(dressed, said))
    return Dialogue("tool_call", (system, user, _called(dressed, said)))


def _call_and_answer(scene: Scene) -> Dialogue:
    tool, template, said = _question(scene)
    dressed, system = scene.offer(tool, [said])
    user = scene.ask(tool, template, _surfaces(dressed, said))
    messages = (system, user, _called(dressed, said), *scene.result(tool, said))
    return Dialogue("tool_answer", messages)


def _second_call(scene: Scene) -> Dialogue:
    """A second question changes one value, or asks anew; half of them end with the call."""
    tool, template, first = _question(scene)
    follow = tool.follow.get(scene.language)
    if follow and scene.rng.random() < 0.6:
        # One that changes a value that the first question has left out would be no second question.
        fitting = [text for text in follow if set(slots_of(text)) <= set(first)] or [template]
        second_template = scene.rng.choice(fitting)
    else:
        second_template = scene.rng.choice(tool.questions[scene.language])
    if set(tool.required) <= set(slots_of(second_template)):
        kept: dict[str, Said] = {}
    else:
        kept = first
    second = scene.values(tool, slots_of(second_template), kept)
    dressed, system = scene.offer(tool, [first, second])
    messages = [
        system,
        scene.ask(tool, template, _surfaces(dressed, first)),
        _called(dressed, first),
        *scene.result(tool, first),
        scene.ask(tool, second_template, _surfaces(dressed, second)),
        _called(dressed, second),
    ]
    if scene.rng.random() < 0.5:
        messages += scene.result(tool, second)
    return Dialogue("tool_round", tuple(messages))


def _ask_back(scene: Scene) -> Dialogue:
    """A value is missing: a short question back; half of them go on with the value and the call."""
    tools = [tool for tool in scene.material.tools.values() if scene.language in tool.missing]
    tool = scene.rng.choice(tools)
    template = scene.rng.choice(tool.missing[scene.language])
    slots = slots_of(template)
    (missing,) = set(tool.required) - set(slots)
    said = scene.values(tool, [*slots, missing])
    dressed, system = scene.offer(tool, [said])
    messages = [
        system,
        scene.ask(tool, template, _surfaces(dressed, said)),
        PromptMessage("assistant", tool.kinds[missing].ask[scene.language]),
    ]
    if scene.rng.random() < 0.5:
        given = scene.phrase("given").replace("{}", said[missing].surface)
        messages += [PromptMessage("user", given), _called(dressed, said)]
    return Dialogue("tool_ask", tuple(messages))


def _no_tool_needed(scene: Scene) -> Dialogue:
    """Talk or knowledge while tools are offered; sometimes a call follows, or came before."""
    talk = scene.material.plain
    if scene.rng.random() < 0.75:
        first = talk.draw(scene.rng, scene.language)
        further = _further_talk(scene, first)
        meant = frozenset(tool for plain in further for tool in plain.answering_tools)
        near = [tool for tool in first.near if tool not in meant]
        system = scene.offer_others(None, first.answering_tools | meant, near)
        plains = [first, *further]
        answered = [message for plain in plains for message in _said_and_answered(plain)]
        return Dialogue("tool_none", (system, *answered))
    system, *asked = _call(scene).messages
    before = _said_and_answered(talk.draw_social(scene.rng, scene.language))
    return Dialogue("tool_round", (system, *before, *asked))


def _further_talk(scene: Scene, first: Plain) -> list[Plain]:
    """Nothing that a tool could be meant for, and nothing twice."""
    number = scene.rng.choice(_FURTHER_TALK)
    drawn = [scene.material.plain.draw_social(scene.rng, scene.language) for _ in range(number)]
    answers = [first.answer, *(plain.answer for plain in drawn)]
    return [plain for place, plain in enumerate(drawn, 1) if plain.answer not in answers[:place]]


def _said_and_answered(plain: Plain) -> tuple[PromptMessage, PromptMessage]:
    return PromptMessage("user", plain.question), PromptMessage("assistant", plain.answer)


def _no_tool_fits(scene: Scene) -> Dialogue:
    """A question for one of the tools, while only others are offered."""
    tool = scene.rng.choice(list(scene.material.tools.values()))
    template = scene.rng.choice(tool.questions[scene.language])
    said = scene.values(tool, slots_of(template))
    user = scene.ask(tool, template, {slot: value.surface for slot, value in said.items()})
    reply = PromptMessage("assistant", scene.phrase("no_tool"))
    return Dialogue("tool_none", (scene.offer_others(tool), user, reply))


def _thanks(scene: Scene) -> Dialogue:
    """Thanks after an answer: no further call."""
    answered = _call_and_answer(scene)
    thanks = PromptMessage("user", scene.phrase("thanks"))
    welcome = PromptMessage("assistant", scene.phrase("welcome"))
    return Dialogue("tool_round", (*answered.messages, thanks, welcome))
