"""The elements of an allocation and their percentages.

Invariant: elements are sorted, because their order has no meaning, and percentages add up to exactly 100.
"""

from __future__ import annotations

from costops.language.bound import Bound
from costops.language.nodes import ListNode, MappingNode, Node, describe
from costops.language.problems import Problems
from costops.language.scalars import read_percentage, read_text
from costops.language.sources import items_of
from costops.model.diagnostic import Span
from costops.money import WHOLE_PICOS, format_picos

Element = tuple[str, ...]


def read_elements(node: Node, dimensions: Element, bound: Bound, path: str) -> tuple[Element, ...] | None:
    """`to.values`: texts for one dimension, lists of texts for several; None after a problem was reported."""
    if isinstance(node, ListNode) and not node.items:
        hint = "name the elements, or remove `values` to use those of the basis"
        bound.problems.error("CO209", node.span, f"`{path}` is empty", hint=hint)
        return None
    places: dict[Element, Span] = {}
    before = bound.problems.errors
    for item in items_of(node):
        element = read_element(item, dimensions, bound.problems)
        if element is not None:
            _remember(element, item.span, places, bound.problems)
    return tuple(sorted(places)) if bound.problems.errors == before else None


def read_element(node: Node, dimensions: Element, problems: Problems) -> Element | None:
    """A text for one dimension, a list of texts for several; None after a problem was reported."""
    if len(dimensions) == 1 and not isinstance(node, ListNode):
        text = read_text(node, problems)
        return None if text is None else (text,)
    parts = node.items if isinstance(node, ListNode) else ()
    if len(parts) != len(dimensions):
        shape = f"[{', '.join(dimensions)}]"
        found = f"has {len(parts)}" if isinstance(node, ListNode) else f"is {describe(node)}"
        plural = "s" if len(dimensions) > 1 else ""
        message = f"an element needs {len(dimensions)} value{plural}, one for each of {shape}, and this {found}"
        problems.error("CO506", node.span, message)
        return None
    texts = tuple(read_text(part, problems) for part in parts)
    good = tuple(text for text in texts if text is not None)
    return good if len(good) == len(texts) else None


def _remember(element: Element, span: Span, places: dict[Element, Span], problems: Problems) -> None:
    if element in places:
        related = ((places[element], "the first one is here"),)
        problems.error("CO507", span, f"the element `{', '.join(element)}` stands here twice", related=related)
    places.setdefault(element, span)


def read_percentages(
    node: Node, dimensions: Element, bound: Bound, path: str, remainder: Element | None
) -> tuple[tuple[Element, int], ...] | None:
    """`to.percent`: (element, units of 1e-12 percent), 100 together; None after a problem was reported.

    With a `remainder` less is enough, and its element has no percentage of its own.
    """
    before = bound.problems.errors
    shares: dict[Element, int] = {}
    if isinstance(node, MappingNode) and len(dimensions) == 1:
        for key, value in node.pairs:
            element, share = read_text(key, bound.problems), read_percentage(value, bound.problems)
            if element is not None and share is not None:
                bound.places[f"{path}.{element}"] = key.span
                shares[(element,)] = share
    elif isinstance(node, ListNode):
        shares = _listed(node, dimensions, bound, path)
    else:
        example = ", ".join(f"{name}: .." for name in dimensions)
        hint = "write {element: percentage}" if len(dimensions) == 1 else f"write [{{{example}, percent: ..}}, ..]"
        bound.problems.error("CO203", node.span, f"`{path}` cannot be {describe(node)} here", hint=hint)
    if bound.problems.errors > before:
        return None
    total = sum(shares.values())
    if remainder in shares:
        message = f"the element `{', '.join(remainder or ())}` has a percentage and takes the remainder too"
        bound.problems.error("CO507", bound.keys["to.remainder"], message, hint="remove one of them")
        return None
    if total > WHOLE_PICOS or (total < WHOLE_PICOS and remainder is None):
        difference = format_picos(abs(WHOLE_PICOS - total))
        hint = (
            f"{difference} too much" if total > WHOLE_PICOS else f"{difference} too little; `to.remainder` can take it"
        )
        place = bound.keys.get(path, node.span)
        message = f"the percentages add up to {format_picos(total)}, they must add up to exactly 100"
        bound.problems.error("CO501", place, message, hint=hint)
        return None
    return tuple(sorted(shares.items()))


def _listed(node: ListNode, dimensions: Element, bound: Bound, path: str) -> dict[Element, int]:
    shares: dict[Element, int] = {}
    places: dict[Element, Span] = {}
    for index, item in enumerate(node.items):
        wanted = (*dimensions, "percent")
        keys = {key.text for key, _ in item.pairs} if isinstance(item, MappingNode) else set()
        if not isinstance(item, MappingNode) or keys != set(wanted):
            message = f"an item needs exactly the keys {', '.join(wanted)}"
            bound.problems.error("CO508", item.span, message)
            continue
        element = tuple(read_text(_part(item, name), bound.problems) for name in dimensions)
        share = read_percentage(_part(item, "percent"), bound.problems)
        texts = tuple(text for text in element if text is not None)
        if len(texts) < len(dimensions) or share is None:
            continue
        _remember(texts, item.span, places, bound.problems)
        bound.places[f"{path}[{index}]"] = item.span
        bound.places[f"{path}.{', '.join(texts)}"] = item.span
        shares[texts] = share
    return shares


def _part(node: MappingNode, name: str) -> Node:
    found = node.get(name)
    if found is None:
        raise KeyError(name)
    return found
