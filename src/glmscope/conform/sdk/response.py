"""What an SDK handed to its caller, the same for every language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """One response object of an SDK."""

    status: Any
    code: Any
    message: Any
    request_id: Any
    output: Any
    usage: Any

    @property
    def ok(self) -> bool:
        """Whether the SDK calls it a success."""
        return bool(self.status == 200)

    @property
    def choices(self) -> list[Any]:
        """The choices of message form."""
        return list(self.output["choices"])

    @property
    def text(self) -> str:
        """The text of either form."""
        if self.output.get("choices"):
            return str(self.output["choices"][0]["message"]["content"])
        return str(self.output["text"])

    @property
    def finish_reason(self) -> Any:
        """The finish reason of either form."""
        if self.output.get("choices"):
            return self.output["choices"][0]["finish_reason"]
        return self.output["finish_reason"]

    @property
    def tokens(self) -> tuple[int, int]:
        """Input and output tokens."""
        return self.usage["input_tokens"], self.usage["output_tokens"]


def joined(responses: Sequence[Response]) -> str:
    """The texts of incremental chunks as one."""
    return "".join(response.text for response in responses)
