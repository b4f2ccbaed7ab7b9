"""How the three books of a recognition are shown: whose stock, whose budget, whose performance, and why."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.attribution.domain.state import Entry, EntryPosting, Share
from services.attribution.store import Booked
from shared.kernel.value import as_dict

TEN_THOUSAND = 10_000


def amount(minor: int, currency: str = "") -> str:
    """Return minor units as people write them. Two decimals, as nearly all currencies have.

    >>> amount(-1000100, "EUR")
    '-10,001.00 EUR'
    """
    sign, size = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{size // 100:,}.{size % 100:02d} {currency}".rstrip()


def exact(share: Share) -> str:
    """Return a share before rounding, in minor units with the four decimals that basis points give."""
    whole, rest = divmod(share.exact_ten_thousandths, TEN_THOUSAND)
    decimals = f"{rest:04d}".rstrip("0")
    return f"{whole:,}.{decimals}" if decimals else f"{whole:,}"


def explanation(booked: Sequence[Booked]) -> RenderableType:
    """Show every recognition of an order with its rule, roles, shares and postings."""
    return Group(*(_entry(each) for each in booked))


def _entry(booked: Booked) -> RenderableType:
    entry = booked.entry
    # A title that is no Text is read as markup, wherever it is printed.
    title = Text(f"{entry.quantity} of {entry.sku}, line {entry.line_id} of {entry.order_id}: {_flow(entry)}")
    rule = Text.assemble(
        "rule ", (entry.rule, "bold"), " of policy ", (entry.policy_version, "bold"),
        f", net {entry.net_minor:,} minor units, final {entry.recognised_at:%Y-%m-%d %H:%M} UTC, period {entry.period}",
    )  # fmt: skip
    return Panel(
        Group(rule, _credit(entry), _postings(entry, booked.postings)),
        title=title,
        title_align="left",
        border_style="dim",
    )


def _flow(entry: Entry) -> str:
    return {"carry_out": "carried out of the store", "pickup": "collected in a store"}.get(entry.flow, entry.flow)


def _credit(entry: Entry) -> Table:
    table = Table(title="Whose performance", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("role", "holder"):
        table.add_column(name, overflow="fold")
    for name in ("basis points", "exact", "credited"):
        table.add_column(name, justify="right", no_wrap=True)
    not_credited = {holder.role: holder.not_credited for holder in entry.holders}
    for share in entry.shares:
        role = share.role if share.played_by == share.role else f"{share.role} (nobody, so {share.played_by})"
        holder = f"{share.location_id}, {share.associate_id}" if share.associate_id else share.location_id
        if named := not_credited[share.played_by]:
            holder += f" ({named} is not known there)"
        table.add_row(role, holder, f"{share.basis_points:,}", exact(share), f"{share.amount_minor:,}")
    table.add_section()
    total = f"{sum(share.amount_minor for share in entry.shares):,}"
    table.add_row("", "", f"{sum(share.basis_points for share in entry.shares):,}", total, total, style="dim")
    return table


def _postings(entry: Entry, postings: Sequence[EntryPosting]) -> Table:
    table = Table(title="Whose stock, whose budget", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("book", "account", "line", "with"):
        table.add_column(name)
    table.add_column("amount", justify="right")
    for posting in postings:
        if posting.book == "credit":
            continue
        unit = f"{posting.amount:+,} pcs" if posting.book == "stock" else amount(posting.amount, entry.currency)
        table.add_row(posting.book, posting.account, posting.line.replace("_", " "), posting.counterparty, unit)
    return table


def as_json(booked: Sequence[Booked]) -> list[dict[str, Any]]:
    """Return recognitions for programs."""
    return [as_dict(each.entry) | {"postings": [_posting(posting) for posting in each.postings]} for each in booked]


def _posting(posting: EntryPosting) -> dict[str, Any]:
    """Return a posting without the id of its entry, which it is shown in."""
    shown = as_dict(posting)
    del shown["entry_id"]
    return shown
