"""A text that may have no more than so many characters: what is least important is left out, whole, and counted.

Invariant: no item is ever cut, and nothing is there of a lower importance than something that is left out; whoever is
told what is left out is told exactly that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

MOST_MISSES = 20
"""Items that do not fit, after which no smaller ones are tried."""


@dataclass(slots=True, eq=False)
class Item:
    """Something that stands in the text whole or not at all."""

    kind: str
    """What it is counted as where it is left out."""
    priority: int
    """The lower, the later it is left out; among equals what comes first stays."""
    render: Callable[[], str]
    """Its text; asked once at most."""
    inner: Sequence[Item] = ()
    """Items that stand in it, behind its text; they can only be there with it."""
    instead: str = ""
    """What stands in it where all of `inner` is left out."""
    close: str = ""
    """What ends it, behind `inner`."""
    size: int = 0
    """Among items of one priority the larger ones stay."""
    _text: str | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """Its text, made when it is first needed."""
        if self._text is None:
            self._text = self.render()
        return self._text

    @property
    def length(self) -> int:
        """Characters that it needs, without those inside it."""
        return len(self.text) + len(self.instead) + len(self.close)


@dataclass(slots=True, eq=False)
class Rest:
    """What is said of those of `items` that are left out; nothing where none is."""

    items: Sequence[Item]
    render: Callable[[Sequence[Item]], str]
    slack: int = 0
    """Characters that it may be longer by than where all of `items` are left out."""
    always: bool = False
    """Whether something is said also where none is left out."""


Part = str | Item | Rest


def fitted(parts: Sequence[Part], longest: int) -> str:
    """The parts as one text of at most `longest` characters, if what cannot be left out has no more."""
    items = list(_all_items(parts))
    if _fits_whole(parts, items, longest):
        return _joined(parts, set(items))
    room = longest - sum(_reserved(part) for part in parts if not isinstance(part, Item))
    return _joined(parts, _chosen(parts, room))


def _reserved(part: str | Rest) -> int:
    if isinstance(part, str):
        return len(part)
    return len(part.render(part.items)) + part.slack if part.items or part.always else 0


def _all_items(parts: Sequence[Part]) -> Iterator[Item]:
    for part in parts:
        if isinstance(part, Item):
            yield part
            yield from part.inner


def _fits_whole(parts: Sequence[Part], items: Sequence[Item], longest: int) -> bool:
    room = longest - sum(len(part) for part in parts if isinstance(part, str))
    room -= sum(len(part.render(())) for part in parts if isinstance(part, Rest) and part.always)
    for item in items:
        room -= item.length
        if room < 0:
            return False
    return True


def _chosen(parts: Sequence[Part], room: int) -> set[Item]:
    outer = [part for part in parts if isinstance(part, Item)]
    around = {inner: item for item in outer for inner in item.inner}
    chosen: set[Item] = set()
    missed: int | None = None
    misses = 0
    for item in sorted([*outer, *around], key=lambda each: (each.priority, -each.size)):
        if misses >= MOST_MISSES or (missed is not None and item.priority > missed):
            break
        if item in around and around[item] not in chosen:
            continue
        if item.length <= room:
            room -= item.length
            chosen.add(item)
        else:
            missed, misses = item.priority, misses + 1
    return chosen


def _joined(parts: Sequence[Part], chosen: set[Item]) -> str:
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Rest):
            left_out = [item for item in part.items if item not in chosen]
            texts.append(part.render(left_out) if left_out or part.always else "")
        elif part in chosen:
            inside = [inner.text for inner in part.inner if inner in chosen]
            texts += [part.text, *(inside or [part.instead]), part.close]
    return "".join(texts)
