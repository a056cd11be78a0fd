"""Several questions under one list of tools, each for one of them: a long list, many calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glmscope.text.prompt import PromptMessage
from glmscope.text.toolcall import write_fenced_call
from glmscope.train.dialogue import Dialogue
from glmscope.train.generators.tool_dress import Dress, DressedTool, dress
from glmscope.train.generators.tool_kit import Said, Tool, slots_of
from glmscope.train.generators.tool_scene import Scene, are_confusable, rough_length

_LONGEST = 560
"""About how many tokens a dialogue may have."""
_LEFT_FOR_QUESTIONS = 150
"""About how many of them at least are not for the tools."""
_TRIES = 12
"""How often a number of tools is drawn anew until they are short enough."""


@dataclass(frozen=True)
class _Question:
    tool: Tool
    template: str
    said: Mapping[str, Said]


def several_calls(scene: Scene) -> Dialogue:
    """Up to six questions for two to five tools; talk or thanks now and then between them."""
    while True:
        number = scene.rng.choices((2, 3, 4, 5), weights=(34, 36, 19, 11))[0]
        # Drawn anew with as many tools: short lists would else be nearly all that there is.
        for _ in range(_TRIES):
            dialogue = _several(scene, number)
            if dialogue:
                return dialogue


def _several(scene: Scene, number: int) -> Dialogue | None:
    """Questions for so many tools; none where two of them have one name, or they are too long."""
    rng = scene.rng
    tools = _tools(scene, number)
    order = [*tools, *rng.choices(tools, k=rng.choice((1, 2, 3)))]
    # Every tool is asked for once at most before the first is asked for again.
    questions = [_question(scene, tool) for tool in order[:6]]
    outfit = Dress.draw(rng, scene.language, scene.material.words)
    dressed = {
        tool.id: dress(rng, tool, outfit, [one.said for one in questions if one.tool is tool])
        for tool in tools
    }
    if len({one.name for one in dressed.values()}) < len(tools):
        return None
    if rng.random() < 0.7:
        rng.shuffle(questions)
    offered = [one.description for one in dressed.values()]
    rng.shuffle(offered)
    messages = [scene.system(offered)]
    left = _LONGEST - rough_length(messages)
    if left < _LEFT_FOR_QUESTIONS:
        return None
    for place, question in enumerate(questions):
        part = _asked(scene, question, dressed[question.tool.id], place == len(questions) - 1)
        if place and rng.random() < 0.08:
            part = [*scene.talk(), *part]
        left -= rough_length(part)
        if place and left < 0:
            break
        messages += part
    return Dialogue("tool_several", tuple(messages))


def _tools(scene: Scene, number: int) -> list[Tool]:
    tools: list[Tool] = []
    while len(tools) < number:
        tool = scene.tool()
        if not any(are_confusable(tool, other) for other in tools):
            tools.append(tool)
    return tools


def _question(scene: Scene, tool: Tool) -> _Question:
    template = scene.rng.choice(tool.questions[scene.language])
    return _Question(tool, template, scene.values(tool, slots_of(template)))


def _asked(
    scene: Scene, question: _Question, dressed: DressedTool, is_last: bool
) -> list[PromptMessage]:
    """The question, the call and, unless the dialogue ends there, what comes of it."""
    surfaces = {slot: value.surface for slot, value in question.said.items()}
    call = write_fenced_call(dressed.arguments(question.said))
    messages = [
        scene.ask(question.tool, question.template, {"tool": dressed.name, **surfaces}),
        PromptMessage("assistant", call, dressed.name),
    ]
    if not is_last or scene.rng.random() < 0.3:
        messages += scene.result(question.tool, question.said)
    return messages
