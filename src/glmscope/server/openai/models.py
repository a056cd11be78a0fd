"""Models as this wire lists them."""

from __future__ import annotations

from typing import Any

from glmscope.chat.service import ServedModel
from glmscope.server.model import describe


def model_object(model: ServedModel, created: int) -> dict[str, Any]:
    """One model; `created` is when this server began to serve it, in Unix seconds.

    OpenAI's own models have no `description`; where there is none to give, ours have none either.
    """
    described = {"description": text} if (text := describe(model)) else {}
    own = {"id": model.id, "object": "model", "created": created, "owned_by": "glmscope"}
    return {**own, **described}
