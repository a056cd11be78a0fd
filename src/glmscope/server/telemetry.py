"""What a server measures and remembers of its requests."""

from __future__ import annotations

from glmscope.chat.service import ChatService
from glmscope.server.admission import Admission
from glmscope.server.metrics import Metrics
from glmscope.server.observers import RequestObserver
from glmscope.server.settings import ServerSettings
from glmscope.server.text_log import TextLog
from glmscope.server.traces import TraceStore


class Telemetry:
    """The observers that every application has, put together by its settings."""

    def __init__(
        self, service: ChatService, admission: Admission, settings: ServerSettings
    ) -> None:
        self.metrics = Metrics(service, admission)
        self.key_metrics = Metrics(service, admission, by_key=True)
        self.traces = TraceStore(
            texts=settings.trace,
            max_bytes=settings.trace_bytes,
            max_seconds=settings.trace_seconds,
        )
        self.observers: list[RequestObserver] = [self.metrics, self.key_metrics, self.traces]
        if settings.log_prompts:
            self.observers.append(TextLog(service))
