"""Dataclasses as JSON and back, by their annotations alone.

Invariant: `unpack` of what `pack` made is equal to what was packed, places and texts included. Nothing is written down
here of any class, so that a field that is added later is packed too; what no field may be is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from costops.model.diagnostic import Span

_PLAIN = (str, int, bool, NoneType)

T = TypeVar("T")


class NotPackableError(Exception):
    """A place is in another file than the one that is packed, or has a path that cannot be packed."""


def pack(value: object, file: str) -> Any:
    """A dataclass whose places are all in `file` as a value of JSON; raises NotPackableError."""
    return _codec(type(value)).pack(value, file)


def unpack(kind: type[T], packed: Any, file: str) -> T:
    """The dataclass again, with its places in `file`; what `pack` did not make raises one of `UNPACKING_ERRORS`."""
    return cast("T", _codec(kind).unpack(packed, file))


UNPACKING_ERRORS = (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one annotation are packed, and unpacked, in a file."""

    pack: Callable[[Any, str], Any]
    unpack: Callable[[Any, str], Any]


_MARK = "\x7f"
"""Stands between the paths and numbers of packed places: no path has it that is not written as an escape."""


class _Places(Mapping[str, Span]):
    """Places by path, made when they are asked for: most are never looked at."""

    __slots__ = ("_file", "_packed", "_spans")

    def __init__(self, packed: str, file: str) -> None:
        self._packed = packed
        self._spans: dict[str, str] | None = None
        self._file = file

    def _split(self) -> dict[str, str]:
        if self._spans is None:
            parts = self._packed.split(_MARK)
            self._spans = dict(zip(parts[::2], parts[1::2], strict=True)) if self._packed else {}
        return self._spans

    def __getitem__(self, path: str) -> Span:
        return Span(self._file, *(int(number) for number in self._split()[path].split(",")))

    def __contains__(self, path: object) -> bool:
        return path in self._split()

    def __iter__(self) -> Iterator[str]:
        return iter(self._split())

    def __len__(self) -> int:
        return len(self._split())


def _pack_places(places: Mapping[str, Span], file: str) -> str:
    parts: list[str] = []
    for path, span in places.items():
        if span.file != file or _MARK in path:
            raise NotPackableError
        parts += (path, f"{span.line},{span.column},{span.end_line},{span.end_column}")
    return _MARK.join(parts)


def _pack_span(span: Span, file: str) -> list[int]:
    if span.file != file:
        raise NotPackableError
    return [span.line, span.column, span.end_line, span.end_column]


_AS_IT_IS = _Codec(lambda value, file: value, lambda packed, file: packed)
_SPAN = _Codec(_pack_span, lambda packed, file: Span(file, *packed))
_PLACES = _Codec(_pack_places, _Places)


_codecs: dict[Any, _Codec] = {}


def _codec(annotation: Any) -> _Codec:
    if annotation not in _codecs:
        _codecs[annotation] = _made_codec(annotation)
    return _codecs[annotation]


def _made_codec(annotation: Any) -> _Codec:
    if annotation in _PLAIN:
        return _AS_IT_IS
    if annotation is Span:
        return _SPAN
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _Codec(lambda value, file: str(value), lambda packed, file: annotation(packed))
    if is_dataclass(annotation):
        return _codec_of_class(cast("type[Any]", annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _codec_of_tuple(arguments)
    if origin in (Union, UnionType):
        return _codec_of_union(arguments)
    if annotation == Mapping[str, Span]:
        return _PLACES
    raise TypeError(f"no field may be {annotation!r}")


class _Codecs(dict[str, _Codec]):
    """Of the fields of a class, each made when it is met: a condition holds conditions."""

    def __init__(self, annotations: Mapping[str, Any]) -> None:
        super().__init__()
        self._annotations = annotations

    def __missing__(self, name: str) -> _Codec:
        self[name] = _codec(self._annotations[name])
        return self[name]


def _codec_of_class(kind: type[Any]) -> _Codec:
    annotations = get_type_hints(kind)
    defaults = {each.name: each.default for each in fields(kind)}
    plain = frozenset(name for name, annotation in annotations.items() if annotation in (str, str | None, int, bool))
    codecs = _Codecs(annotations)

    def pack_fields(value: Any, file: str) -> dict[str, Any]:
        packed = {}
        for name, default in defaults.items():
            each = getattr(value, name)
            if default is MISSING or each != default:
                packed[name] = codecs[name].pack(each, file)
        return packed

    def unpack_fields(packed: dict[str, Any], file: str) -> Any:
        return kind(
            **{name: each if name in plain else codecs[name].unpack(each, file) for name, each in packed.items()}
        )

    return _Codec(pack_fields, unpack_fields)


def _codec_of_tuple(arguments: tuple[Any, ...]) -> _Codec:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        if _codec(arguments[0]) is _AS_IT_IS:
            return _Codec(lambda value, file: list(value), lambda packed, file: tuple(packed))
        each = _codec(arguments[0])
        return _Codec(
            lambda value, file: [each.pack(item, file) for item in value],
            lambda packed, file: tuple([each.unpack(item, file) for item in packed]),
        )
    codecs = [_codec(argument) for argument in arguments]
    return _Codec(
        lambda value, file: [codec.pack(item, file) for codec, item in zip(codecs, value, strict=True)],
        lambda packed, file: tuple([codec.unpack(item, file) for codec, item in zip(codecs, packed, strict=True)]),
    )


def _codec_of_union(arguments: tuple[Any, ...]) -> _Codec:
    others = [argument for argument in arguments if argument is not NoneType]
    if all(argument in _PLAIN for argument in others):
        return _AS_IT_IS
    known = _codec(others[0]) if len(others) == 1 else _codec_of_kinds(others)
    if len(others) == len(arguments):
        return known
    return _Codec(
        lambda value, file: None if value is None else known.pack(value, file),
        lambda packed, file: None if packed is None else known.unpack(packed, file),
    )


def _codec_of_kinds(arguments: list[Any]) -> _Codec:
    """Of one of several dataclasses, which is packed with its name."""
    if not all(is_dataclass(argument) for argument in arguments):
        raise TypeError(f"no field may be one of {arguments!r}")
    kinds = {argument.__name__: argument for argument in arguments}
    return _Codec(
        lambda value, file: [type(value).__name__, _codec(type(value)).pack(value, file)],
        lambda packed, file: _codec(kinds[packed[0]]).unpack(packed[1], file),
    )
