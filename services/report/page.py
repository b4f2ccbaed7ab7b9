"""The report as a page that needs nothing else: no script, no network, light or dark as the reader likes it."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from services.report.charts import bars, columns, legend
from services.report.html import Markup, element, joined
from services.report.ranking import ranking
from services.report.report import Report
from services.report.stream import Branch, Leaf, stream
from services.report.words import FLOWS, ROLES, amount, fate, place, refusal, slug

STYLE = Path(__file__).with_name("page.css")
BRANCHES = {"till": "at the till", "web": "on the web", "none": "no sale"}
ONE = {"all": ""}
COLOURS = {"completed": "", "waiting": "waiting", "cancelled": "lost", "rejected": "lost", "not_sent": "none"}


def page(report: Report) -> str:
    """Return the page."""
    title = f"{report.baskets:,} baskets through Tekil"
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    sections = (
        _lines(report),
        _days(report),
        _credit(report),
        element("div", _discounts(report), _no(report), class_="pair"),
        element("div", _stores(report), _associates(report), class_="pair"),
    )
    body = element("body", element("main", _header(report, title), *sections, _footer(report)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _header(report: Report, title: str) -> Markup:
    days = [each.day for each in report.net_by_day]
    drift = report.drift
    told = (
        f"{report.data_set}, seed {report.seed}{_span(days)}. Every line that was read is accounted for, and every "
        "sale is in the three books: whose stock, whose budget, whose performance."
    )
    proof = f"{drift.stock_rows:,} stock rows and {drift.order_lines:,} order lines compared"
    figures = (
        (amount(report.net_minor), f"{report.currency} net, booked"),
        (f"{report.speed.lines_per_s:,.0f}", "order lines a second"),
        (f"{report.speed.messages_per_s:,.0f}", "messages a second"),
        (f"{sum(report.dead_letters.values()):,}", "dead letters"),
        (f"{drift.differences:,}", f"differences: {proof}"),
    )
    return element(
        "header",
        element("p", "Tekil replay", class_="eyebrow"),
        element("h1", title),
        element("p", told, class_="told"),
        element("dl", *(element("div", element("dt", words), element("dd", figure)) for figure, words in figures)),
    )


def _span(days: Sequence[date]) -> str:
    first, last = min(days, default=None), max(days, default=None)
    return f", {first.day} {first:%B %Y} to {last.day} {last:%B %Y}" if first and last else ""


def _lines(report: Report) -> Markup:
    branches = []
    for channel, name in BRANCHES.items():
        ours = [each for each in report.lines if each.channel == channel]
        if ours:
            leaves = tuple(Leaf(fate(each), each.count, COLOURS[each.outcome] or channel) for each in ours)
            branches.append(Branch(name, channel, leaves))
    drawing = stream("lines read", branches) if branches else element("p", "Nothing was read.")
    return _section("Where every line went", _orders(report), drawing)


def _orders(report: Report) -> str:
    counted = Counter[str]()
    for each in report.orders:
        counted[each.outcome] += each.count
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in counted.items()) or "none"
    return f"{report.lines_read:,} lines were read and {report.orders_sent:,} orders made of them: {told}."


def _days(report: Report) -> Markup:
    by_day: dict[date, dict[str, int]] = {}
    for each in report.net_by_day:
        by_day.setdefault(each.day, {})[each.flow] = each.net_minor
    if not by_day:
        return joined()
    chart = columns(list(by_day.items()), parts=FLOWS, write=_whole)
    note = f"Net in {report.currency}, on the day on which it became final where it was sold."
    return _section("Net by flow, day by day", note, legend(FLOWS), chart)


def _credit(report: Report) -> Markup:
    rows = ranking((place(each.location_id), each.role, each.amount_minor) for each in report.credit)
    note = (
        "Every sale's net is divided among those who made it, to the cent. Nobody tried anything on in this data, "
        "so the trial share stays with whoever took the order."
    )
    return _section("Credit by location and role", note, legend(ROLES), bars(rows, parts=ROLES, write=amount))


def _discounts(report: Report) -> Markup:
    rows = ranking((each.name, "all", each.amount_minor) for each in report.discounts)
    return _section("Discounts by who pays for them", f"In {report.currency}.", bars(rows, parts=ONE, write=amount))


def _no(report: Report) -> Markup:
    """Return what Tekil said no to, and what it could not read."""
    turned_down = [("order: " + slug(each.why), each.count) for each in report.orders if each.outcome == "rejected"]
    refused = [(refusal(each), each.count) for each in report.refusals]
    dead = [("dead letter: " + slug(reason), count) for reason, count in report.dead_letters.items()]
    rows = ranking((name, "lost", count) for name, count in (*turned_down, *refused, *dead))
    note = "Orders turned down and requests refused, by reason." if rows else "Nothing was refused."
    return _section("What Tekil said no to", note, bars(rows, parts={"lost": ""}, write="{:,}".format))


def _stores(report: Report) -> Markup:
    rows = ranking((place(each.location_id), each.flow, each.net_minor) for each in report.net_by_store)
    return _section("Net by store", "By whose shelf it left.", bars(rows, parts=FLOWS, write=amount))


def _associates(report: Report) -> Markup:
    rows = ranking((place(each.name), "all", each.amount_minor) for each in report.associates if each.name)
    return _section("Credit by associate", "Who sold, or handed over.", bars(rows, parts=ONE, write=amount))


def _footer(report: Report) -> Markup:
    speed = report.speed
    return element(
        "footer",
        f"{report.messages:,} messages in {speed.elapsed_s:,.1f} s, {speed.orders_per_s:,.0f} orders a second. The "
        "data set tells what households bought in stores; web orders, stock, staff and detours are a seeded overlay.",
    )


def _section(title: str, note: str, *content: Markup) -> Markup:
    return element("section", element("h2", title), element("p", note, class_="note"), *content)


def _whole(minor: int) -> str:
    """Return an amount without its cents: a scale needs none."""
    return f"{minor // 100:,}"
