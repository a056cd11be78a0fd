"""A converted model whose ids may stand for others, without a copy of its weights.

The runtime takes a directory, so it gets one of links, with a graph of its own. Weights lie in one
file that stays as it is, and a graph can hold no number that is not in there: numbers are made by
clamping the ids from both sides. The graph is changed as text, line by line as the runtime wrote
it, since reading it as XML would take longer than all else.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from glmscope.engine.salts import Meaning
from glmscope.errors import ModelFilesError
from glmscope.model.manifest import GRAPH_FILE

_LAYER = re.compile(r'<layer id="(\d+)" name="([^"]*)" type="(\w+)"')
_EDGE = '<edge from-layer="{}" from-port="{}" to-layer="{}" to-port="{}" />'


@contextmanager
def aliased(directory: Path, meanings: Iterable[Meaning]) -> Iterator[Path]:
    """A directory with the model of `directory` in which ids mean what `meanings` say.

    It is needed until the model is loaded. Raises ModelFilesError for a graph that is none, and
    where no temporary file can be written.
    """
    try:
        graph = (directory / GRAPH_FILE).read_text(encoding="utf-8", errors="surrogateescape")
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            copy = Path(name)
            for file in directory.resolve().iterdir():
                if file.name != GRAPH_FILE:
                    (copy / file.name).symlink_to(file)
            changed = with_meanings(graph, meanings)
            (copy / GRAPH_FILE).write_text(changed, encoding="utf-8", errors="surrogateescape")
            yield copy
    except OSError as error:
        reason = error.strerror or "no temporary file can be written"
        raise ModelFilesError(
            f"{directory} cannot be loaded for a prefix cache: {reason}; --no-prefix-cache does "
            "without."
        ) from error
    except ValueError as error:
        raise ModelFilesError(f"{directory} cannot be loaded: {error}") from error


def with_meanings(graph: str, meanings: Iterable[Meaning]) -> str:
    """The text of a graph in which whatever reads `input_ids` reads what they mean.

    Raises ValueError for a text that the runtime did not write.
    """
    types = {number: kind for number, _, kind in _LAYER.findall(graph)}
    inputs = [number for number, name, _ in _LAYER.findall(graph) if name == "input_ids"]
    if len(inputs) != 1 or any(graph.count(end) != 1 for end in ("</layers>", "</edges>")):
        raise ValueError(f"its {GRAPH_FILE} is not that of a network.")
    ids = _Port(inputs[0], "0", "I64")
    added = _Added(max(map(int, types)) + 1)
    meant = ids
    for first, meaning in meanings:
        above = added.node("GreaterEqual", _NUMPY, (ids, added.number(first, ids)), "BOOL")
        here = ids if meaning is None else added.number(meaning, ids)
        meant = added.node("Select", _NUMPY, (above, here, meant), "I64")

    def redirected(edge: re.Match[str]) -> str:
        # Shapes stay as they are: the library looks for them at the input.
        reader, port = edge.groups()
        if types.get(reader) == "ShapeOf":
            return edge[0]
        return _EDGE.format(meant.layer, meant.port, reader, port)

    readers = _EDGE.format(ids.layer, ids.port, r"(\d+)", r"(\d+)")
    graph = re.sub(readers, redirected, graph)
    graph = graph.replace("</layers>", "".join(added.layers) + "</layers>")
    return graph.replace("</edges>", "".join(added.edges) + "</edges>")


class _Port(NamedTuple):
    layer: str
    port: str
    precision: str


class _Added:
    """Nodes over [batch, tokens] that a graph is to get, numbered from `next_number` on."""

    def __init__(self, next_number: int) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self._next_number = next_number

    def number(self, value: int, ids: _Port) -> _Port:
        """`value`, as often as there are ids."""
        return self.node("Clamp", f'min="{value}" max="{value}"', (ids,), "I64")

    def node(self, kind: str, settings: str, inputs: tuple[_Port, ...], precision: str) -> _Port:
        number = str(self._next_number)
        self._next_number += 1
        given = _Port(number, str(len(inputs)), precision)
        read = "".join(_described(str(i), each.precision) for i, each in enumerate(inputs))
        self.layers.append(
            f'<layer id="{number}" name="alias.{number}" type="{kind}" version="opset1">'
            f"<data {settings} /><input>{read}</input>"
            f"<output>{_described(given.port, precision)}</output></layer>\n"
        )
        self.edges += [
            _EDGE.format(each.layer, each.port, number, i) + "\n" for i, each in enumerate(inputs)
        ]
        return given


_NUMPY = 'auto_broadcast="numpy"'


def _described(port: str, precision: str) -> str:
    return f'<port id="{port}" precision="{precision}"><dim>-1</dim><dim>-1</dim></port>'
