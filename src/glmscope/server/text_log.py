"""What was asked and answered, in the log: only where the operator wants it there."""

from __future__ import annotations

import structlog

from glmscope.chat.service import ChatService
from glmscope.server.record import RequestRecord

_log = structlog.get_logger("glmscope.texts")


class TextLog:
    """An observer that logs every prompt, as the network read it, with the generated texts."""

    def __init__(self, service: ChatService) -> None:
        self._service = service

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        """Log one request, if it came as far as a prompt; see `RequestObserver`."""
        if record.model is None:
            return
        tokenizer = self._service.models[record.model].tokenizer
        for trace in record.traces:
            _log.info(
                "texts",
                request_id=record.request_id,
                prompt=tokenizer.decode(trace.prompt_ids),
                replies=[tokenizer.decode(choice.ids) for choice in trace.choices],
            )
