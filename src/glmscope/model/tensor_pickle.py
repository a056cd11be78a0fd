"""The pickle inside a `.bin` file, read as data: nothing in it is ever called or imported.

A general unpickler runs what it reads. This one knows only the operations that a dictionary of
tensors is written with, on an allow-list, and gives every allowed global a fixed meaning of its
own: a storage type is a number format, rebuilding a tensor is making a record of where it lies.
Anything else is refused by name before it could have an effect.

Source: the opcode table of Python's `pickletools`; model specification, section 4.
"""

from __future__ import annotations

import io
import pickletools
import reprlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from glmscope.errors import ModelFilesError, UnsafePickle
from glmscope.model.stored_tensor import DType

_STORAGE_TYPES = {
    "torch DoubleStorage": DType.F64,
    "torch FloatStorage": DType.F32,
    "torch HalfStorage": DType.F16,
    "torch BFloat16Storage": DType.BF16,
    "torch LongStorage": DType.I64,
    "torch IntStorage": DType.I32,
    "torch ShortStorage": DType.I16,
    "torch CharStorage": DType.I8,
    "torch ByteStorage": DType.U8,
    "torch BoolStorage": DType.BOOL,
}
_ORDERED_DICT = "collections OrderedDict"
_REBUILD_TENSOR = "torch._utils _rebuild_tensor_v2"
_REBUILD_PARAMETER = "torch._utils _rebuild_parameter"
_ALLOWED_GLOBALS = {*_STORAGE_TYPES, _ORDERED_DICT, _REBUILD_TENSOR, _REBUILD_PARAMETER}


# What lies on the stack: None, bool, int, float, str, tuple, list, dict or a record from below.
_Value: TypeAlias = Any


@dataclass(frozen=True)
class Storage:
    """A block of `elements` numbers, kept in the archive under `key`."""

    dtype: DType
    key: str
    elements: int


@dataclass(frozen=True)
class StorageView:
    """A tensor as pickled: `offset` and `strides` count elements of its storage. Unchecked."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Global:
    """A name that the pickle asked for. Never looked up."""

    name: str


class _Mark:
    """Where the items of a tuple, list or dictionary begin on the stack."""


_MARK = _Mark()


def read_state_dict(data: bytes, path: Path) -> dict[str, StorageView]:
    """The tensors by name in `data`, the pickle of the archive `path`.

    Raises UnsafePickle naming `path` and the global or operation for anything but a dictionary of
    tensors, ModelFilesError for a pickle that is malformed. Time and memory are proportional to
    the size of `data`.
    """
    root = _Reader(path).read(data)
    if not isinstance(root, dict):
        raise ModelFilesError(f"{path} holds no dictionary of tensors.")
    for name, value in root.items():
        if not isinstance(name, str) or not isinstance(value, StorageView):
            raise ModelFilesError(f"{path}: the entry {reprlib.repr(name)} is no tensor.")
    return root


class _Reader:
    """The stack machine of the pickle format, over inert values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack: list[_Value] = []
        self._memo: dict[int, _Value] = {}

    def read(self, data: bytes) -> object:
        """Run the pickle to its end and return what it left."""
        try:
            with warnings.catch_warnings():
                # `pickletools` decodes old text opcodes, and warns of odd escapes in them.
                warnings.simplefilter("ignore", DeprecationWarning)
                for opcode, argument, _ in pickletools.genops(io.BytesIO(data)):
                    if opcode.name == "STOP":
                        return self._stack.pop()
                    self._step(opcode.name, argument)
        except (ValueError, IndexError, KeyError, TypeError, OverflowError):
            # What a pickle cut short or with a broken stack ends in, here or in `pickletools`.
            raise ModelFilesError(f"{self._path} holds a malformed pickle.") from None
        raise ModelFilesError(f"{self._path} holds a pickle without an end.")

    def _step(self, name: str, argument: _Value) -> None:
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self._stack.append(argument)
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            size = _TUPLES[name]
            self._stack.append(tuple(self._pop() for _ in range(size))[::-1])
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in _IGNORED:
            raise UnsafePickle(
                f"{self._path} is refused: its pickle uses the operation {name}, which no "
                "dictionary of tensors needs; nothing of it was run."
            )

    def _pop(self) -> _Value:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("an item was expected on the stack, and a mark lies there")
        return value

    def _pop_to_mark(self) -> list[_Value]:
        items = []
        while (value := self._stack.pop()) is not _MARK:
            items.append(value)
        return items[::-1]

    def _top(self, kind: type) -> _Value:
        if type(self._stack[-1]) is not kind:
            raise ValueError("the stack holds another type than the operation needs")
        return self._stack[-1]

    def _mark(self, _: object) -> None:
        self._stack.append(_MARK)

    def _tuple(self, _: object) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _append(self, _: object) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _appends(self, _: object) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def _set_item(self, _: object) -> None:
        value = self._pop()
        self._set(self._pop(), value)

    def _set_items(self, _: object) -> None:
        items = self._pop_to_mark()
        for key, value in zip(items[0::2], items[1::2], strict=True):
            self._set(key, value)

    def _set(self, key: object, value: object) -> None:
        # Only strings: hashing a tuple of tuples of tuples … would take for ever.
        if type(key) is not str:
            raise ValueError("a key of a dictionary is no string")
        self._top(dict)[key] = value

    def _put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def _memoize(self, _: object) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def _global(self, name: str) -> None:
        if name not in _ALLOWED_GLOBALS:
            raise UnsafePickle(
                f"{self._path} is refused: its pickle asks for {_shown(name)}, which no "
                "dictionary of tensors needs; nothing of it was run."
            )
        self._stack.append(_Global(name))

    def _stack_global(self, _: object) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise ValueError("a global is not named by strings")
        self._global(f"{module} {name}")

    def _reduce(self, _: object) -> None:
        """A call, as pickled: what it means here, if it is an allowed one."""
        arguments, function = self._pop(), self._pop()
        if type(arguments) is not tuple or type(function) is not _Global:
            raise ValueError("a call without a function or without arguments")
        if function.name == _ORDERED_DICT and not arguments:
            self._stack.append({})
        elif function.name == _REBUILD_TENSOR:
            self._stack.append(_storage_view(*arguments))
        elif function.name == _REBUILD_PARAMETER and isinstance(arguments[0], StorageView):
            self._stack.append(arguments[0])
        else:
            raise UnsafePickle(
                f"{self._path} is refused: its pickle calls {_shown(function.name)} as "
                "no dictionary of tensors does; nothing of it was run."
            )

    def _build(self, _: object) -> None:
        """Attributes of the dictionary (module versions): let go."""
        self._pop()
        self._top(dict)

    def _persistent_id(self, _: object) -> None:
        identity = self._pop()
        match identity:
            case ("storage", _Global(name=type_name), str(key), str(), int(elements)) if (
                type_name in _STORAGE_TYPES and key.isascii() and key.isdigit() and elements >= 0
            ):
                self._stack.append(Storage(_STORAGE_TYPES[type_name], key, elements))
            case _:
                raise UnsafePickle(
                    f"{self._path} is refused: its pickle refers to something outside it that is "
                    "no tensor storage; nothing of it was run."
                )


def _storage_view(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> StorageView:
    """The arguments of a tensor's rebuilding; gradients and hooks, the rest, are let go."""
    if not isinstance(storage, Storage) or not _is_count(offset):
        raise ValueError("a tensor without storage or offset")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise ValueError("a tensor without shape or strides")
    if len(shape) != len(strides) or not all(map(_is_count, (*shape, *strides))):
        raise ValueError("a tensor with an impossible shape or impossible strides")
    return StorageView(storage, offset, shape, strides)  # type: ignore[arg-type]


def _shown(name: str) -> str:
    """A global's name for a message: dotted, of bounded length, without control characters."""
    return repr(name.replace(" ", ".", 1)[:200])


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


# What every operation of the allow-list does; any other name is refused.
_IGNORED = {"PROTO", "FRAME"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE"),
}
_EMPTY: dict[str, Callable[[], object]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_OPERATIONS: dict[str, Callable[[_Reader, Any], None]] = {
    "MARK": _Reader._mark,
    "TUPLE": _Reader._tuple,
    "APPEND": _Reader._append,
    "APPENDS": _Reader._appends,
    "SETITEM": _Reader._set_item,
    "SETITEMS": _Reader._set_items,
    "BINPUT": _Reader._put,
    "LONG_BINPUT": _Reader._put,
    "MEMOIZE": _Reader._memoize,
    "BINGET": _Reader._get,
    "LONG_BINGET": _Reader._get,
    "GLOBAL": _Reader._global,
    "STACK_GLOBAL": _Reader._stack_global,
    "REDUCE": _Reader._reduce,
    "BUILD": _Reader._build,
    "BINPERSID": _Reader._persistent_id,
}
