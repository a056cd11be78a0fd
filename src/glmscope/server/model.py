"""The model that a request names, the same on every wire."""

from __future__ import annotations

from collections.abc import Mapping

from glmscope.chat.service import ServedModel
from glmscope.errors import EmptyModel, InvalidParameter, ModelAccessDenied, ModelNotFound
from glmscope.server.fields import Fields
from glmscope.server.record import RequestRecord

STAND_IN_HEADER = "x-glmscope-model"
"""Names the model that answered, where it is not the one that was asked for."""


def allowed_models(models: Mapping[str, ServedModel], record: RequestRecord) -> list[ServedModel]:
    """Those that the request's key may use."""
    key = record.key
    return [model for model in models.values() if key is None or key.may_use(model.id)]


def read_model(
    body: Fields, models: Mapping[str, ServedModel], record: RequestRecord
) -> ServedModel:
    """`model` of a body, noted in `record`, whose key must be allowed to use it.

    Where another model stands in for it, the answer's headers will say which.

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
    found = models[model]
    if found.stand_in is not None:
        record.headers[STAND_IN_HEADER] = found.stand_in
    return found


def stand_in_header(record: RequestRecord) -> dict[str, str]:
    """The header that names a stand-in, alone, for a wire whose answers have no headers."""
    return {name: value for name, value in record.headers.items() if name == STAND_IN_HEADER}


def describe(model: ServedModel) -> str:
    """What a list of models says of it besides its name, if anything."""
    in_place = f"in place of {model.id}" if model.stand_in is not None else ""
    return " ".join(filter(None, (model.description, in_place)))
