"""Numbers for Prometheus: of requests that ended, of who waits, of engines.

Every application has a registry of its own; the library's global one is not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from glmscope import __version__
from glmscope.chat.service import ChatService
from glmscope.engine.engine import Engine
from glmscope.server.admission import Admission
from glmscope.server.record import RequestRecord

# Upper bounds in seconds: from a small model on an idle machine to 6B on a busy one.
_QUEUE_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0)
_FIRST_TOKEN_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_TOKEN_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)

_MOST_KEYS = 200
"""Keys with a label of their own; each costs some fifty series a model."""
_OTHER_KEYS = "other"
_NONE = "none"


class Metrics:
    """An observer that counts, and everything else that is measured when it is asked for.

    `by_key` adds the key's id as a label to whatever belongs to one. Who asks for how much is
    nobody's business but the operator's, so those metrics are not for the open path.
    """

    def __init__(self, service: ChatService, admission: Admission, *, by_key: bool = False) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Now(service, admission, by_key))
        ProcessCollector(registry=self._registry)
        self._keys: set[str] | None = set() if by_key else None
        whose = ("model", "key") if by_key else ("model",)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, (*labels, *whose), "glmscope", registry=self._registry)

        def histogram(name: str, what: str, bounds: tuple[float, ...]) -> Histogram:
            return Histogram(name, what, whose, "glmscope", registry=self._registry, buckets=bounds)

        self._requests = counter("requests", "Requests that ended.", "wire", "status")
        self._errors = counter("errors", "Requests that ended in an error, by its code.", "code")
        self._gone = counter("disconnects", "Clients that left before their answer was whole.")
        self._input = counter("input_tokens", "Tokens read, as usage counts them.")
        self._output = counter("output_tokens", "Tokens generated, as usage counts them.")
        self._loops = counter("loops", "Texts that the loop brake ended, tried again or not.")
        self._queue = histogram(
            "queue_seconds", "Wait from admission to the request's turn.", _QUEUE_SECONDS
        )
        self._first = histogram(
            "first_token_seconds",
            "From the request's turn to its first text.",
            _FIRST_TOKEN_SECONDS,
        )
        self._between = histogram(
            "token_seconds", "Time between two tokens of one reply.", _TOKEN_SECONDS
        )

    def finished(self, record: RequestRecord, status: int, seconds: float) -> None:
        """Count one request; see `RequestObserver`."""
        whose = self._whose(record)
        self._requests.labels(record.wire or _NONE, str(status), *whose).inc()
        if record.error is not None:
            self._errors.labels(record.error, *whose).inc()
        if record.disconnected:
            self._gone.labels(*whose).inc()
        if record.usage is not None:
            self._input.labels(*whose).inc(record.usage.input_tokens)
            self._output.labels(*whose).inc(record.usage.output_tokens)
        self._loops.labels(*whose).inc(sum(trace.loops for trace in record.traces))
        if record.queue_seconds is not None:
            self._queue.labels(*whose).observe(record.queue_seconds)
        if record.first_token_seconds is not None:
            self._first.labels(*whose).observe(record.first_token_seconds)
        between = self._between.labels(*whose)
        for gap, tokens in record.token_gaps:
            for _ in range(tokens):
                between.observe(gap / tokens)

    def text(self) -> bytes:
        """Everything in Prometheus' text format. To be called from the event loop."""
        return generate_latest(self._registry)

    def _whose(self, record: RequestRecord) -> tuple[str, ...]:
        model = record.model or _NONE
        if self._keys is None:
            return (model,)
        key = record.key_id or _NONE
        if key not in self._keys:
            # Keys come and go; the number of series must not only grow.
            if len(self._keys) >= _MOST_KEYS:
                return (model, _OTHER_KEYS)
            self._keys.add(key)
        return (model, key)


class _Now(Collector):
    """What is read off at the moment of asking."""

    def __init__(self, service: ChatService, admission: Admission, by_key: bool) -> None:
        self._engines = _engines(service)
        self._admission = admission
        self._by_key = by_key

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("glmscope_build_info", "Always 1.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from self._line()
        yield from self._loads()

    def _line(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "glmscope_requests_running", "Requests whose turn it is.", self._admission.running
        )
        if not self._by_key:
            what = "Requests that wait for their turn."
            yield GaugeMetricFamily("glmscope_requests_waiting", what, self._admission.waiting)
            return
        waiting = GaugeMetricFamily(
            "glmscope_requests_waiting", "Requests that wait, by key.", labels=["key"]
        )
        for key, count in self._admission.waiting_by_key.items():
            waiting.add_metric([key or _NONE], count)
        yield waiting

    def _loads(self) -> Iterator[Metric]:
        running = GaugeMetricFamily(
            "glmscope_sequences_running", "Sequences in an engine's batch.", labels=["model"]
        )
        waiting = GaugeMetricFamily(
            "glmscope_sequences_waiting", "Sequences that wait for a batch.", labels=["model"]
        )
        used = GaugeMetricFamily(
            "glmscope_kv_cache_used_ratio", "Share of the KV cache in use.", labels=["model"]
        )
        for models, engine in self._engines:
            load = engine.load()
            running.add_metric([models], load.running)
            waiting.add_metric([models], load.waiting)
            used.add_metric([models], load.kv_used)
        yield from (running, waiting, used)


def _engines(service: ChatService) -> list[tuple[str, Engine]]:
    """Each engine once, under the ids of the models that share it."""
    ids: dict[int, list[str]] = {}
    engines: dict[int, Engine] = {}
    for model in service.models.values():
        ids.setdefault(id(model.engine), []).append(model.id)
        engines[id(model.engine)] = model.engine
    return [(",".join(ids[each]), engine) for each, engine in engines.items()]
