"""Models as this wire lists them."""

from __future__ import annotations

from typing import Any

from glmscope.chat.service import ServedModel


def model_object(model: ServedModel, created: int) -> dict[str, Any]:
    """One model; `created` is when this server began to serve it, in Unix seconds."""
    return {"id": model.id, "object": "model", "created": created, "owned_by": "glmscope"}
