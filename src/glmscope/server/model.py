"""The model that a request names, the same on every wire."""

from __future__ import annotations

from collections.abc import Mapping

from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyModel, InvalidParameter, ModelAccessDenied, ModelNotFound
from glmscope.server.fields import Fields
from glmscope.server.record import RequestRecord


def allowed_models(models: Mapping[str, ServedModel], record: RequestRecord) -> list[ServedModel]:
    """Those that the request's key may use."""
    key = record.key
    return [model for model in models.values() if key is None or key.may_use(model.id)]


def read_model(
    body: Fields, models: Mapping[str, ServedModel], record: RequestRecord
) -> ServedModel:
    """`model` of a body, noted in `record`, whose key must be allowed to use it.

    Raises EmptyModel, InvalidParameter, ModelNotFound, ModelAccessDenied, in this order.
    """
    model = body.get("model")
    if model is None or model == "":
        raise EmptyModel
    if not isinstance(model, str):
        raise InvalidParameter("model should be a string.", param="model")
    if model not in models:
        raise ModelNotFound
    record.model = model
    if record.key is not None and not record.key.may_use(model):
        raise ModelAccessDenied
    return models[model]
