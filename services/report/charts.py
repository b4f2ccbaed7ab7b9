"""Charts as inline SVG and HTML: shapes stretch with the page, words keep their size, numbers stand beside them.

Colours are classes that the style sheet knows. Every shape has a title, which browsers show and screen readers say.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from services.report.html import Markup, element
from services.report.ranking import Ranked

BAR_WIDTH = 1000
DAY_WIDTH, DAY_GAP, CHART_HEIGHT = 100, 26, 240
DAY_LABELS_MAX = 8
GRID_LINES = 4
NICE = (10, 12, 16, 20, 24, 32, 40, 60, 80)

Write = Callable[[int], str]
"""Writes an amount for people."""


def bars(rows: Sequence[Ranked], *, parts: Mapping[str, str], write: Write) -> Markup:
    """Return a row for each name: its bar, divided into parts, and its total. `parts` says them in words, in order.

    The rest has a number and no bar: next to many together, no single one could be seen.
    """
    longest = max((each.total for each in rows if not each.is_rest), default=0) or 1
    items = (
        element(
            "li",
            element("span", each.name, class_="name"),
            element("span") if each.is_rest else _bar(each, longest, parts, write),
            element("span", write(each.total), class_="value"),
            class_="rest" if each.is_rest else None,
        )
        for each in rows
    )
    return element("ul", *items, class_="bars")


def _bar(row: Ranked, longest: int, parts: Mapping[str, str], write: Write) -> Markup:
    shapes, left = [], 0.0
    for part, words in parts.items():
        width = max(row.parts.get(part, 0), 0) / longest * BAR_WIDTH
        title = element("title", ", ".join(filter(None, (row.name, words))) + f": {write(row.parts.get(part, 0))}")
        shapes.append(element("rect", title, x=f"{left:.2f}", width=f"{width:.2f}", height=10, class_=part))
        left += width
    return element("svg", *shapes, viewBox=f"0 0 {BAR_WIDTH} 10", preserveAspectRatio="none", aria_hidden="true")


def legend(parts: Mapping[str, str]) -> Markup:
    """Return what the colours of parts mean."""
    return element(
        "ul", *(element("li", element("i", class_=part), words) for part, words in parts.items()), class_="legend"
    )


def columns(days: Sequence[tuple[date, Mapping[str, int]]], *, parts: Mapping[str, str], write: Write) -> Markup:
    """Return a column for each day, its parts stacked."""
    highest = nice(max(sum(amounts.values()) for _, amounts in days))
    grid = [_grid_line(number, DAY_WIDTH * len(days)) for number in range(GRID_LINES + 1)]
    shapes = [
        shape
        for number, (day, amounts) in enumerate(days)
        for shape in _column(number * DAY_WIDTH + DAY_GAP / 2, day, amounts, highest=highest, parts=parts, write=write)
    ]
    drawing = element(
        "svg",
        *grid,
        *shapes,
        viewBox=f"0 0 {DAY_WIDTH * len(days)} {CHART_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"Net by day, {days[0][0]:%d %B %Y} to {days[-1][0]:%d %B %Y}",
    )
    labels = (*_amount_labels(highest, write), *_day_labels([day for day, _ in days]))
    return element("div", drawing, *labels, class_="days")


def _column(
    left: float, day: date, amounts: Mapping[str, int], *, highest: int, parts: Mapping[str, str], write: Write
) -> list[Markup]:
    shapes, bottom = [], float(CHART_HEIGHT)
    for part, words in parts.items():
        height = max(amounts.get(part, 0), 0) / highest * CHART_HEIGHT
        bottom -= height
        title = element("title", f"{day:%a %d %b %Y}, {words}: {write(amounts.get(part, 0))}")
        shapes.append(
            element(
                "rect",
                title,
                x=f"{left:.1f}",
                y=f"{bottom:.2f}",
                width=DAY_WIDTH - DAY_GAP,
                height=f"{height:.2f}",
                class_=part,
            )
        )
    return shapes


def _grid_line(number: int, width: int) -> Markup:
    y = CHART_HEIGHT * number // GRID_LINES
    return element("line", x1=0, x2=width, y1=y, y2=y)


def _amount_labels(highest: int, write: Write) -> list[Markup]:
    """Return what the grid lines stand for, beside them."""
    return [
        element(
            "span",
            write(highest * number // GRID_LINES),
            class_="amount",
            style=f"bottom:{_percent(number, GRID_LINES)}",
        )
        for number in range(GRID_LINES + 1)
    ]


def _day_labels(days: Sequence[date]) -> list[Markup]:
    """Return the dates below the columns: of all, or of as many as there is room for."""
    step = -(-len(days) // DAY_LABELS_MAX)
    return [
        element("span", f"{day.day} {day:%b}", class_="day", style=f"left:{_percent(2 * number + 1, 2 * len(days))}")
        for number, day in enumerate(days)
        if number % step == 0
    ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3f}%"


def nice(amount: int) -> int:
    """Return the next amount, from ten, whose quarters people count in.

    >>> [nice(amount) for amount in (0, 11, 19, 41, 900)]
    [10, 12, 20, 60, 1000]
    """
    power = 1
    while True:
        for step in NICE:
            if step * power >= amount:
                return step * power
        power *= 10
