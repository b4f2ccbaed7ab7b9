"""A stream that divides: from what was read, by where it went, to what became of it. Its width is the count."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.report.html import Markup, element

STREAM_PX = 300
"""Height of the whole stream where it is one."""
THIN_PX, LABEL_PX, GAP_PX = 2.0, 26.0, 8.0
"""The thinnest band that can be seen, the room of a leaf's label, and the room between leaves."""
WIDTH, NODE, BRANCH_AT = 100.0, 0.7, 44.0
"""Across, the drawing stretches: these are shares of it."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An end of the stream."""

    name: str
    count: int
    colour: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Where part of the stream went, and how that ended."""

    name: str
    colour: str
    leaves: tuple[Leaf, ...]

    @property
    def count(self) -> int:
        """What flows through it."""
        return sum(leaf.count for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class _Band:
    """A stretch of a column, in pixels from the top."""

    top: float
    thick: float

    @property
    def bottom(self) -> float:
        return self.top + self.thick

    @property
    def middle(self) -> float:
        return self.top + self.thick / 2


def stream(name: str, branches: Sequence[Branch]) -> Markup:
    """Return the drawing of a stream, with labels; those of the leaves are a list that tells it all by itself."""
    total = sum(branch.count for branch in branches)
    leaves = [leaf for branch in branches for leaf in branch.leaves]
    ends = _spread([max(THIN_PX, leaf.count / total * STREAM_PX) for leaf in leaves])
    height = ends[-1].bottom + LABEL_PX
    parted, taken = [], 0
    for branch in branches:
        parted.append(_gathered(ends[taken : taken + len(branch.leaves)]))
        taken += len(branch.leaves)
    whole = _Band(parted[0].top, sum(band.thick for band in parted))
    shapes = [_node(0, whole, "whole", name)]
    later = iter(zip(leaves, ends, strict=True))
    for branch, source, band in zip(branches, _divided(whole, parted), parted, strict=True):
        shapes.append(_link((NODE, source), (BRANCH_AT, band), branch.colour, branch.name))
        ours = [next(later) for _ in branch.leaves]
        for (leaf, end), start in zip(ours, _divided(band, [end for _, end in ours]), strict=True):
            shapes.append(_link((BRANCH_AT + NODE, start), (WIDTH - NODE, end), leaf.colour, leaf.name))
            shapes.append(_node(WIDTH - NODE, end, leaf.colour, leaf.name))
        shapes.append(_node(BRANCH_AT, band, branch.colour, branch.name))
    labels = (_root_label(name, total, whole), *map(_branch_label, branches, parted), _leaf_labels(leaves, ends))
    return element("div", _drawing(shapes, height, name), *labels, class_="stream", style=f"height:{height:.0f}px")


def _spread(thick: Sequence[float]) -> list[_Band]:
    """Return bands below each other, each in the middle of at least the room of its label."""
    rooms = [max(each, LABEL_PX) for each in thick]
    tops = accumulate((room + GAP_PX for room in rooms), initial=0.0)
    return [_Band(top + (room - each) / 2, each) for top, room, each in zip(tops, rooms, thick, strict=False)]


def _gathered(bands: Sequence[_Band]) -> _Band:
    """Return the band that these flow from: as thick as all of them, in their middle."""
    thick = sum(band.thick for band in bands)
    return _Band((bands[0].top + bands[-1].bottom - thick) / 2, thick)


def _divided(whole: _Band, parts: Sequence[_Band]) -> list[_Band]:
    """Return where the parts leave the whole."""
    tops = accumulate((part.thick for part in parts), initial=whole.top)
    return [_Band(top, part.thick) for top, part in zip(tops, parts, strict=False)]


def _link(source: tuple[float, _Band], target: tuple[float, _Band], colour: str, name: str) -> Markup:
    (left, start), (right, end) = source, target
    half = (left + right) / 2
    there = f"M{left:.2f},{start.top:.2f}C{half:.2f},{start.top:.2f} {half:.2f},{end.top:.2f} {right:.2f},{end.top:.2f}"
    down = f"L{right:.2f},{end.bottom:.2f}"
    back = f"C{half:.2f},{end.bottom:.2f} {half:.2f},{start.bottom:.2f} {left:.2f},{start.bottom:.2f}Z"
    return element("path", element("title", name), d=there + down + back, class_=f"link {colour}")


def _node(left: float, band: _Band, colour: str, name: str) -> Markup:
    title = element("title", name)
    return element("rect", title, x=left, y=f"{band.top:.2f}", width=NODE, height=f"{band.thick:.2f}", class_=colour)


def _drawing(shapes: Sequence[Markup], height: float, name: str) -> Markup:
    box, what = f"0 0 {WIDTH:.0f} {height:.0f}", f"What became of {name}"
    return element("svg", *shapes, viewBox=box, preserveAspectRatio="none", role="img", aria_label=what)


def _root_label(name: str, total: int, whole: _Band) -> Markup:
    return _label("p", name, total, at=whole.middle, class_="root")


def _branch_label(branch: Branch, band: _Band) -> Markup:
    """Return a label within its band, or above it where it would not fit."""
    at = band.middle if band.thick >= LABEL_PX else band.top - LABEL_PX / 2
    return _label("p", branch.name, branch.count, at=at, class_="branch")


def _leaf_labels(leaves: Sequence[Leaf], ends: Sequence[_Band]) -> Markup:
    labels = (_label("li", leaf.name, leaf.count, at=end.middle) for leaf, end in zip(leaves, ends, strict=True))
    return element("ol", *labels)


def _label(kind: str, name: str, count: int, *, at: float, class_: str | None = None) -> Markup:
    return element(kind, element("b", f"{count:,}"), f" {name}", class_=class_, style=f"top:{at:.0f}px")
