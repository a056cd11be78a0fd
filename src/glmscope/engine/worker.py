"""The thread that owns a pipeline: takes sequences from an inbox, steps, delivers what grew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from glmscope.engine.engine import EngineLoad, Sampling, Step
from glmscope.engine.pipeline import PIECE, Handle, Pipeline, read_step
from glmscope.engine.reading import KnownBeginnings, Pace, Reading, slower
from glmscope.errors import EngineFailure, GLMScopeError, ModelUnavailable

log = structlog.get_logger(__name__)

Delivery = Step | GLMScopeError


@dataclass(eq=False)
class WorkerSequence:
    """One generation. `deliver` is called from the worker's thread and must not block.

    With `echo` its steps begin with the prompt.
    """

    prompt_ids: tuple[int, ...]
    sampling: Sampling
    deliver: Callable[[Delivery], None]
    echo: bool = False
    handle: Handle | None = field(default=None, repr=False)
    reading: Reading | None = field(default=None, repr=False)
    """What the library gets as the prompt; there is no handle before it is read."""

    @property
    def most_tokens(self) -> int:
        """How long it may become, its prompt included."""
        return len(self.prompt_ids) + self.sampling.max_new_tokens

    def let_go(self) -> None:
        """Cancel it in the pipeline, unless that is reading a prompt which others may build on.

        The library takes for whole what was cancelled in the middle of a block.
        """
        reading, handle = self.reading, self.handle
        if reading is not None:
            handle = reading.piece if handle is None else handle
            if handle is not None and not (reading.made or handle.can_read()):
                return
        if handle is not None:
            handle.cancel()
        self.handle = self.reading = None


class Worker:
    """Runs `Pipeline` on a thread of its own; the public methods may be called from any thread.

    `open_pipeline` is called on that thread, now and again after the network has failed: what a
    failed step leaves behind is not trusted. A worn pipeline is replaced when nothing runs.
    Sequences that do not fit beside those that run wait for their turn, in order; of those that
    run, long prompts are read one after another, in pieces where the pipeline can.
    """

    def __init__(self, open_pipeline: Callable[[], Pipeline]) -> None:
        self._open_pipeline = open_pipeline
        self._changed = threading.Condition()
        self._added: list[WorkerSequence] = []
        self._cancelled: set[WorkerSequence] = set()
        self._running: list[WorkerSequence] = []
        self._leaving: list[WorkerSequence] = []
        """Cancelled ones whose room the pipeline has not freed: it does so in the step after they
        are let go."""
        self._pace = Pace()
        self._known = KnownBeginnings()
        self._closed = False
        self._cache_used = 0.0
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        try:
            self._thread.start()
            self._ready.wait()
        except BaseException:  # Ctrl-C
            # Nothing stops the runtime while it loads, and if Python ends meanwhile it aborts.
            if self._thread.is_alive():
                self.close()
            raise
        if self._failure is not None:
            raise self._failure

    def submit(self, sequence: WorkerSequence) -> bool:
        """Queue a sequence; False once the worker is closed."""
        with self._changed:
            if self._closed:
                return False
            self._added.append(sequence)
            self._changed.notify()
        return True

    def cancel(self, sequence: WorkerSequence) -> None:
        """Stop a sequence before the next step; a finished one is left alone."""
        with self._changed:
            if sequence in self._added:
                self._added.remove(sequence)
            elif sequence in self._running:
                self._cancelled.add(sequence)
                self._changed.notify()

    def load(self) -> EngineLoad:
        """How many sequences run and wait, and how full the KV cache is."""
        with self._changed:
            # What the last step said is not said again when its sequences have gone.
            used = self._cache_used if self._running else 0.0
            return EngineLoad(len(self._running), len(self._added), used)

    def close(self) -> None:
        """Stop every sequence, let go of the model and wait for the thread to end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            pipeline = self._open_pipeline()
        except BaseException as error:  # handed to whoever constructs the worker
            self._failure = error
            return
        finally:
            self._ready.set()
        while self._take_changes(pipeline):
            if self._advance(pipeline) and (self._is_used or not pipeline.is_worn):
                continue
            del pipeline  # before the next one is opened: there may be no room for two
            self._known = KnownBeginnings()
            self._leaving.clear()
            try:
                pipeline = self._open_pipeline()
            except Exception:
                log.exception("engine_reopen_failed")
                break
        self._shut()

    @property
    def _is_used(self) -> bool:
        """Whether the pipeline has something to do."""
        return bool(self._running or self._leaving)

    def _advance(self, pipeline: Pipeline) -> bool:
        """Step and deliver; False when the network failed, and then everyone has been told."""
        try:
            prompts = sum(sequence.handle is None for sequence in self._running)
            replies = len(self._running) - prompts
            with_piece = self._read_on(pipeline, replies > 0)
            if pipeline.has_work:
                started = time.monotonic()
                pipeline.step()
                if replies:
                    seconds, times = time.monotonic() - started, slower(prompts, replies)
                    self._pace.stepped(seconds, with_piece=with_piece, times=times)
            half_read = (one for one in self._leaving if one.reading is not None)
            self._leaving = list(half_read) if pipeline.has_work else []
            self._deliver()
            # The library's step keeps Python to itself: readers get their turn now, or after the
            # next one.
            time.sleep(0)
            self._cache_used = pipeline.cache_used()
            if any(sequence.handle for sequence in self._running) and not pipeline.has_work:
                raise RuntimeError("the pipeline dropped a sequence without finishing it")
        except Exception:
            log.exception("engine_step_failed", sequences=len(self._running))
            self._fail_all(EngineFailure)
            return False
        return True

    def _take_changes(self, pipeline: Pipeline) -> bool:
        """Wait for work, then apply what was added and cancelled; False once closed."""
        with self._changed:
            while not (self._closed or self._added or self._cancelled or self._is_used):
                self._changed.wait()
            if self._closed:
                return False
            cancelled, self._cancelled = self._cancelled, set()
            self._running = [one for one in self._running if one not in cancelled]
            self._leaving += cancelled
            added = self._admit(pipeline)
        for sequence in self._leaving:
            sequence.let_go()
        for sequence in added:
            try:
                self._begin(pipeline, sequence)
            except Exception as error:  # one request's fault, not the pipeline's
                log.exception("engine_add_failed")
                self._forget(sequence)
                known = isinstance(error, ModelUnavailable)
                _deliver_to(sequence, ModelUnavailable() if known else EngineFailure())
        return True

    def _admit(self, pipeline: Pipeline) -> list[WorkerSequence]:
        """Take those that came first into the running ones, as many as there is room for."""
        lengths = [one.most_tokens for one in (*self._running, *self._leaving)]
        admitted: list[WorkerSequence] = []
        while self._added and pipeline.has_room([*lengths, self._added[0].most_tokens]):
            lengths.append(self._added[0].most_tokens)
            admitted.append(self._added.pop(0))
        self._running += admitted
        return admitted

    def _begin(self, pipeline: Pipeline, sequence: WorkerSequence) -> None:
        """Queue a sequence, or have it read in pieces: a score needs all of its prompt at once."""
        if sequence.echo or not pipeline.reads_pieces:
            sequence.handle = pipeline.add(sequence.prompt_ids, sequence.sampling, sequence.echo)
            return
        ids = pipeline.salted(sequence.prompt_ids, sequence.sampling)
        sequence.reading = Reading(ids, self._known.length_of(ids))
        if not sequence.reading.is_long:
            sequence.handle = pipeline.queue(ids, sequence.sampling)

    def _read_on(self, pipeline: Pipeline, replies: bool) -> bool:
        """Queue the next piece of the first prompt that is not read; whether a step gets one."""
        waiting = (sequence for sequence in self._running if sequence.handle is None)
        sequence = next(waiting, None)
        if sequence is None or sequence.reading is None:
            return False
        reading = sequence.reading
        is_pending = reading.piece is not None and read_step(reading.piece, PIECE) is None
        if is_pending and pipeline.has_work:  # else the library has dropped it
            return True  # other prompts took up the step
        reading.piece = None
        if replies and not self._pace.allows_piece:
            return False
        end = reading.next_end(beside_replies=replies)
        if end is None:
            sequence.handle = pipeline.queue(reading.ids, sequence.sampling)
        else:
            reading.piece = pipeline.read(reading.ids[:end])
            reading.read = end
        return True

    def _deliver(self) -> None:
        for sequence in list(self._running):
            if sequence.handle is None:
                continue
            step = read_step(sequence.handle, sequence.sampling)
            if step is None:
                continue
            if sequence.reading is not None:
                sequence.reading.made += step.ids
            if step.finish:
                self._forget(sequence)
            _deliver_to(sequence, step)

    def _forget(self, sequence: WorkerSequence) -> None:
        with self._changed:
            self._running.remove(sequence)
            self._cancelled.discard(sequence)
        if sequence.reading is not None and sequence.handle is not None:
            self._known.add((*sequence.reading.ids, *sequence.reading.made))
        sequence.handle = sequence.reading = None

    def _fail_all(self, error: type[GLMScopeError]) -> None:
        for sequence in list(self._running):
            self._forget(sequence)
            _deliver_to(sequence, error())

    def _shut(self) -> None:
        with self._changed:
            self._closed = True
            waiting, self._added = self._added, []
        self._fail_all(ModelUnavailable)
        for sequence in waiting:
            _deliver_to(sequence, ModelUnavailable())


def _deliver_to(sequence: WorkerSequence, item: Delivery) -> None:
    """Hand over; a reader that can no longer be reached concerns nobody else."""
    try:
        sequence.deliver(item)
    except Exception:
        log.exception("engine_delivery_failed")
