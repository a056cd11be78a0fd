"""What the model reads of a cell."""

from __future__ import annotations

import pytest

from glmscope.agent.code_runner import CodeDesk, CodeOutput, observation
from tests.agent.support import Sandboxes


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (CodeOutput("42\n"), "42"),
        (CodeOutput(""), ""),
        (CodeOutput("", images=(b"p",)), "[Image]"),
        (CodeOutput("x\n", images=(b"p", b"q")), "x\n[Image]\n[Image]"),
        (CodeOutput("half", notes=("It took too long.",)), "half\nIt took too long."),
        (CodeOutput("好" * 1024), "好" * 1024),
        (CodeOutput("好" * 1025), "好" * 1024 + " [TRUNCATED]"),
    ],
)
def test_an_observation_is_told_as_the_demo_tells_it(output: CodeOutput, expected: str) -> None:
    assert observation(output) == expected


def test_the_fence_of_the_prompt_guide_goes_around_texts_alone() -> None:
    assert observation(CodeOutput("42"), fenced=True) == "```result\n42\n```"
    assert observation(CodeOutput("", images=(b"p",)), fenced=True) == "[Image]"


async def test_a_desk_without_code_opens_nothing() -> None:
    runner = Sandboxes()
    desk = CodeDesk(runner)
    await desk.close()
    assert runner.opened == []
