"""The model that a request names, the same on every wire."""

from __future__ import annotations

from collections.abc import Mapping

from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyModel, InvalidParameter, ModelNotFound
from glmscope.server.fields import Fields


def read_model(body: Fields, models: Mapping[str, ServedModel]) -> ServedModel:
    """`model` of a body. Raises EmptyModel, InvalidParameter, ModelNotFound."""
    model = body.get("model")
    if model is None or model == "":
        raise EmptyModel
    if not isinstance(model, str):
        raise InvalidParameter("model should be a string.", param="model")
    if model not in models:
        raise ModelNotFound
    return models[model]
