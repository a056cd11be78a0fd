"""A script that calls plugins, and a sandbox that plays them."""

from __future__ import annotations

from glmscope.agent.code_runner import CodeOutput
from glmscope.agent.tool import ToolFile
from tests.agent.support import call_of, code_of

PNG = b"\x89PNG\r\n\x1a\n"
ODD = "\ue000 \ue001 <|user|>"
RULES = {
    "rules": [
        {"match": "12345", "reply": call_of("calculator", expression="12345 * 98765")},
        {"match": "1219253925", "exact": True, "reply": "\n 它是 1219253925。"},
        {"match": "plot", "reply": code_of("plt.plot([1, 2])")},
        {"match": "picture", "reply": code_of("picture")},
        {"match": "[Image]", "reply": "\n Here it is."},
        {"match": "odd", "reply": code_of("odd")},
        {"match": "\ue000", "reply": "\n odd enough"},
        {"match": "forever", "reply": code_of("forever")},
        {"match": "mine", "reply": call_of("lookup", key="a")},
        {"match": "and then", "reply": "{prompt}"},
        {"reply": "\n plain"},
    ]
}


def play(code: str) -> CodeOutput:
    if code == "odd":
        return CodeOutput(ODD)
    return CodeOutput("", images=(PNG,), files=(ToolFile("out.csv", b"a\n1\n", "text/csv"),))
