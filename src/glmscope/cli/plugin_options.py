"""The options that say what is run for a model, and how far it may go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.agent.loop_limits import LoopLimits
from glmscope.agent.sandbox.limits import SandboxLimits
from glmscope.errors import SandboxUnavailable, UsageError

if TYPE_CHECKING:
    from glmscope.agent.sandbox_runner import SandboxRunner

_PLUGINS, _SANDBOX = "Plugins", "Sandbox of the interpreter"
_MIB = 2**20
_DAY = 86_400
_LOOP, _CELL = LoopLimits(), SandboxLimits()

ToolsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=r"Tools that the model may call: a file with a section \[tools].",
        rich_help_panel=_PLUGINS,
    ),
]


@dataclass(frozen=True)
class LoopOptions:
    """How far a model and what it calls may go in one reply."""

    plugin_steps: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Calls that are run for one reply.", rich_help_panel=_PLUGINS
        ),
    ] = _LOOP.steps
    plugin_seconds: Annotated[
        int,
        typer.Option(
            min=1,
            max=_DAY,
            help="Seconds that such a reply may take, model and calls.",
            rich_help_panel=_PLUGINS,
        ),
    ] = int(_LOOP.seconds)
    plugin_tokens: Annotated[
        int,
        typer.Option(
            min=1,
            max=2**31,
            help="Tokens that its turns may read and write.",
            rich_help_panel=_PLUGINS,
        ),
    ] = _LOOP.tokens
    plugin_output: Annotated[
        int,
        typer.Option(
            min=1,
            max=2**24,
            help="Characters that its calls may answer.",
            rich_help_panel=_PLUGINS,
        ),
    ] = _LOOP.output
    cell_output: Annotated[
        int,
        typer.Option(
            min=64,
            max=_CELL.text_bytes,
            help="Characters of a cell's output that the model reads.",
            rich_help_panel=_PLUGINS,
        ),
    ] = _LOOP.cell_output

    def limits(self) -> LoopLimits:
        """What they say."""
        return LoopLimits(
            steps=self.plugin_steps,
            seconds=self.plugin_seconds,
            tokens=self.plugin_tokens,
            output=self.plugin_output,
            cell_output=self.cell_output,
        )


@dataclass(frozen=True)
class SandboxOptions:
    """Whether code is run, what one sandbox may use, and how many there are."""

    interpreter: Annotated[
        bool,
        typer.Option(
            "--interpreter",
            help="Run the code of models that ask for it, in a sandbox (needs bubblewrap).",
            rich_help_panel=_PLUGINS,
        ),
    ] = False
    cell_seconds: Annotated[
        int,
        typer.Option(
            min=1, max=_DAY, help="Seconds that a cell may run.", rich_help_panel=_SANDBOX
        ),
    ] = int(_CELL.wall_seconds)
    cell_cpu_seconds: Annotated[
        int,
        typer.Option(
            min=1,
            max=_DAY,
            help="Seconds of processor time that a cell may use.",
            rich_help_panel=_SANDBOX,
        ),
    ] = int(_CELL.cpu_seconds)
    cell_images: Annotated[
        int,
        typer.Option(
            min=0, max=64, help="Pictures that a cell may show.", rich_help_panel=_SANDBOX
        ),
    ] = _CELL.images
    sandbox_memory_mb: Annotated[
        int,
        typer.Option(
            # With less the interpreter does not start: the limit holds for addresses, used or not.
            min=256,
            max=2**20,
            help="Memory of its processes.",
            rich_help_panel=_SANDBOX,
        ),
    ] = _CELL.memory // _MIB
    sandbox_disk_mb: Annotated[
        int,
        typer.Option(
            min=1, max=2**20, help="Files under /mnt/data, in memory.", rich_help_panel=_SANDBOX
        ),
    ] = _CELL.disk // _MIB
    sandbox_scratch_mb: Annotated[
        int,
        typer.Option(
            min=1,
            max=2**20,
            help="Files under /tmp, and as much under /dev/shm, in memory.",
            rich_help_panel=_SANDBOX,
        ),
    ] = _CELL.scratch // _MIB
    sandbox_files: Annotated[
        int,
        typer.Option(
            min=16,
            max=65_536,
            help="Files, directories and links that cells may make.",
            rich_help_panel=_SANDBOX,
        ),
    ] = _CELL.files
    sandbox_processes: Annotated[
        int,
        typer.Option(
            min=8, max=4096, help="Processes and threads in it.", rich_help_panel=_SANDBOX
        ),
    ] = _CELL.processes
    sandboxes: Annotated[
        int,
        typer.Option(min=1, max=1024, help="Sandboxes at the same time.", rich_help_panel=_SANDBOX),
    ] = 8
    sandbox_idle_minutes: Annotated[
        int,
        typer.Option(
            min=1,
            max=_DAY // 60,
            help="Minutes after which a sandbox that nobody uses is closed.",
            rich_help_panel=_SANDBOX,
        ),
    ] = 15

    @property
    def are_given(self) -> bool:
        """Whether any limit is not the default."""
        return replace(self, interpreter=False) != SandboxOptions()

    def runner(self) -> SandboxRunner | None:
        """What runs code, once a sandbox was tried out; None where code is not to be run.

        Raises UsageError where no sandbox can be had, and for limits of what there is not.
        """
        if not self.interpreter:
            if self.are_given:
                raise UsageError("Limits of cells and sandboxes go with --interpreter.")
            return None
        from glmscope.agent.sandbox import SandboxPool
        from glmscope.agent.sandbox_runner import SandboxRunner

        try:
            asyncio.run(_try_out(self.limits()))
        except SandboxUnavailable as error:
            raise UsageError(error.message) from None
        return SandboxRunner(
            SandboxPool(
                self.limits(),
                maximum=self.sandboxes,
                idle_seconds=60 * self.sandbox_idle_minutes,
            )
        )

    def limits(self) -> SandboxLimits:
        """What they say of one sandbox."""
        return SandboxLimits(
            wall_seconds=self.cell_seconds,
            cpu_seconds=self.cell_cpu_seconds,
            memory=self.sandbox_memory_mb * _MIB,
            disk=self.sandbox_disk_mb * _MIB,
            scratch=self.sandbox_scratch_mb * _MIB,
            files=self.sandbox_files,
            processes=self.sandbox_processes,
            images=self.cell_images,
        )


async def _try_out(limits: SandboxLimits) -> None:
    """Raises SandboxUnavailable where there can be no sandbox, or none within these limits."""
    from glmscope.agent.sandbox import Sandbox, probe

    await probe()
    if limits != SandboxLimits():
        sandbox = await Sandbox.open(limits)
        await sandbox.close()
