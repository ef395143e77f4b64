"""Reading of JSON into the generated classes. Unknown fields are ignored, because a newer daemon may send more."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from ._errors import Corrupt

R = TypeVar("R", bound="Record")
T = TypeVar("T")
Reader = Callable[[Any], Any]


class Record:
    """An object of the daemon's interface. A field that the daemon left out has its default."""

    __slots__ = ()
    NAME: ClassVar[str] = ""
    READERS: ClassVar[Mapping[str, Reader]] = {}

    @classmethod
    def from_json(cls: type[R], json: object) -> R:
        if not isinstance(json, dict):
            raise Corrupt(f"the {cls.NAME} must be an object")
        values: dict[str, Any] = {}
        for name, read in cls.READERS.items():
            value = json.get(name)
            if value is None:
                continue
            try:
                values[name] = read(value)
            except (TypeError, AttributeError) as error:
                raise Corrupt(f"the {cls.NAME}: the field '{name}' has the wrong type") from error
        return cls(**values)


@dataclass(frozen=True)
class Call(Generic[T]):
    """A call of one method. `Client.call` makes it. The module `banger.calls` has a function for each method."""

    method: str
    params: Mapping[str, Any] = field(repr=False)  # it may have the values of secrets
    read: Callable[[object], T]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def real(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError
    return float(value)


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return [text(item) for item in value]


def text_map(value: Any) -> dict[str, str]:
    return {key: text(item) for key, item in value.items()}


def counts(value: Any) -> dict[str, int]:
    return {key: integer(item) for key, item in value.items()}


def records(kind: type[R]) -> Callable[[Any], list[R]]:
    """A reader of lists of objects."""
    def read(value: Any) -> list[R]:
        if not isinstance(value, list):
            raise TypeError
        return [kind.from_json(item) for item in value]
    return read


def nothing(_: object) -> None:
    """The result of methods that have none."""


def call(method: str, read: Callable[[object], T], params: Mapping[str, Any]) -> Call[T]:
    """A call without the parameters that are None."""
    return Call(method, {name: value for name, value in params.items() if value is not None}, read)
