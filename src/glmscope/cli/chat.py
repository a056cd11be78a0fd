"""`glmscope chat`: talk to a model in the terminal."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glmscope.agent.plugins import CODE_INTERPRETER
from glmscope.cli.console import note
from glmscope.cli.conversation import Conversation, Model, converse
from glmscope.cli.option_groups import grouped
from glmscope.cli.options import EngineName, EngineOptions, ModelOptions, NetworkOptions
from glmscope.cli.plugin_options import LoopOptions, SandboxOptions, ToolsOption
from glmscope.cli.remote import RemoteModel
from glmscope.cli.tool_source import tools_of
from glmscope.errors import UsageError

if TYPE_CHECKING:
    from glmscope.cli.local import LocalModel

DEFAULT_MODEL = "chatglm3-6b"


@grouped
def chat(
    *,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="ID|DIR",
            help="An id; in process also a published or converted directory. "
            rf"\[default: {DEFAULT_MODEL}, or in process the built-in model while that is not "
            "here]",
            rich_help_panel="Models",
        ),
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Ask this server, such as http://127.0.0.1:8000.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="DASHSCOPE_API_KEY", help="The server's API key.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="What the model is told first.")] = None,
    runtime: EngineOptions,
    network: NetworkOptions,
    tools: ToolsOption = None,
    sandbox: SandboxOptions,
    loop: LoopOptions,
) -> None:
    """Talk to a model, over a server or in process. From a pipe, every line is a question."""
    options = ModelOptions.of((), runtime, network)
    with contextlib.ExitStack() as stack:
        talker: Model
        if server is None:
            local = _local_model(model, options, tools, sandbox, loop)
            talker = stack.enter_context(contextlib.closing(local))
        elif options != ModelOptions():
            raise UsageError("With --server, the server decides how its models are run.")
        elif tools is not None:
            raise UsageError("With --server, the server decides which tools there are.")
        elif sandbox.are_given or loop != LoopOptions():
            raise UsageError("With --server, the server decides how far plugins may go.")
        elif not key:
            raise UsageError("A server wants a key: give --key or set DASHSCOPE_API_KEY.")
        else:
            plugins = [CODE_INTERPRETER] * sandbox.interpreter
            talker = RemoteModel(server, key, model or DEFAULT_MODEL, plugins)
        if not converse(Conversation(talker, system)):
            raise typer.Exit(1)


def _local_model(
    model: str | None,
    options: ModelOptions,
    tools: Path | None,
    sandbox: SandboxOptions,
    loop: LoopOptions,
) -> LocalModel:
    from glmscope.cli.local import LocalModel
    from glmscope.cli.wiring import open_models, pulled_models
    from glmscope.server.logs import configure_logs

    configure_logs()
    if loop != LoopOptions() and tools is None and not sandbox.interpreter:
        raise UsageError("Limits of plugins go with --tools or --interpreter.")
    plugins = (
        None if tools is None else tools_of(tools),
        sandbox.runner(),
        loop.limits(),
    )
    if options.engine is EngineName.OPENVINO:
        if model is None and DEFAULT_MODEL in pulled_models():
            model = DEFAULT_MODEL
        chosen = () if model is None else (model,)
        # Of the built-in model's names the first is its own.
        served, *_ = open_models(dataclasses.replace(options, models=chosen))
        if served.description:
            note(f"{served.id} is {served.description}; --model names another.")
        return LocalModel(served, *plugins)
    wanted = model or DEFAULT_MODEL
    scripted = {model.id: model for model in open_models(options)}
    if wanted not in scripted:
        raise UsageError(f"The scripted engine answers as {' or '.join(scripted)}.")
    return LocalModel(scripted[wanted], *plugins)
