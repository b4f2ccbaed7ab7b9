"""Every command that looks, for people and for programs, at what five services left in their databases."""

import asyncio
import csv
import io
import json
import logging
import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.mesh import Mesh, running
from services.registry import NAMES
from shared.kernel.value import replace
from tests.mesh.place import NOON, Place, tekil_place
from tests.mesh.world import BERLIN, reference, sale, submitted


class Desk:
    """Where a person types, while nothing is on its way."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def types(self, *words: str) -> Result:
        """Type a command."""
        settings = self.place.settings
        given = {"TEKIL_POSTGRES": self.place.postgres, "TEKIL_POSTGRES_PREFIX": settings.postgres_prefix}
        return CliRunner().invoke(app, words, env={**given, "COLUMNS": None}, catch_exceptions=False)

    def asks(self, *words: str) -> Any:
        """Type a command that prints JSON; return what it says."""
        ran = self.types(*words, "--json")
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    def reads(self, *words: str) -> list[str]:
        """Type a command; return the lines that it prints, with single spaces."""
        ran = self.types(*words)
        assert ran.exit_code == 0, ran.output
        return [" ".join(line.split()) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def desk(kafka: str, postgres: str) -> Desk:
    """A desk that the tests of this file share: what they ask about is there, and only dead letters change."""
    return asyncio.run(_after_a_day(kafka, postgres))


async def _after_a_day(kafka: str, postgres: str) -> Desk:
    """A coat was sold, and an order waits for its store; a sale's tenders are off, and another has a wrong key."""
    place = await tekil_place(kafka, postgres, f"test-{secrets.token_hex(4)}.")
    mesh = Mesh(place.settings, bootstrap=kafka, postgres=place.postgres, clock=lambda: NOON)
    async with running(mesh):
        await place.publish(*reference())
        await mesh.settle()
        await place.publish(
            sale("till-1", BERLIN, ("coat", 1)),
            submitted("web-1", ("scarf", 1, "store-mars")),
            sale("off-1", BERLIN, ("scarf", 1), off_minor=1),
            replace(sale("off-2", BERLIN, ("scarf", 1)), key=b"other"),
        )
        await mesh.settle()
    return Desk(place)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sends all logs to its own standard error, which ends with it."""
    before = logging.root.handlers
    yield
    logging.root.handlers = before


def test_an_order_is_shown(desk: Desk) -> None:
    assert desk.reads("order", "show", "till-1") == [
        "till-1: completed",
        "line sku gets it at net EUR pcs collected",
        "1 coat carry out store-berlin 85.63 1 1",
        "taken at store-berlin (pos) 2026-11-02 12:00 UTC; paid 101.89 EUR, refunded 0.00 EUR",
    ]


def test_programs_are_told_all_of_an_order(desk: Desk) -> None:
    told = desk.asks("order", "show", "till-1")

    assert len(told.pop("digest")) == 32
    assert told == {
        "order_id": "till-1", "channel": "pos", "brand": "fjord", "capture_location_id": "store-berlin",
        "associate_id": "till-store-berlin", "customer_id": None, "currency": "EUR",
        "placed_at": "2026-11-02T12:00:00Z", "when_short": "reject_order",
        "lines": [
            {
                "line_id": "1", "sku": "coat", "quantity": 1, "net_minor": 8563, "tax_minor": 1626,
                "method": "carry_out", "location_id": "store-berlin",
                "pieces": {"pending": 0, "reserved": 0, "ready": 0, "collected": 1, "cancelled": 0},
            }
        ],
        "payments": [{"method": "gift_card", "amount_minor": 3396}, {"method": "card", "amount_minor": 6793}],
        "refunded_minor": 0, "rejections": [], "status": "completed",
    }  # fmt: skip


def test_an_entry_is_explained(desk: Desk) -> None:
    said = desk.types("explain", "till-1").stdout

    assert "1 of coat, line 1 of till-1: carried out of the store" in said
    assert "rule every-other-sale of policy shipped-1, net 8,563 minor units, final 2026-11-02 12:00 UTC" in said


def test_programs_are_told_why_it_was_booked_so(desk: Desk) -> None:
    [told] = desk.asks("explain", "till-1")
    shares, postings, holders = told.pop("shares"), told.pop("postings"), told.pop("holders")

    assert (len(told.pop("entry_id")), len(told.pop("cause_id"))) == (36, 36)
    assert told == {
        "order_id": "till-1", "line_id": "1", "sku": "coat", "quantity": 1, "flow": "carry_out", "channel": "pos",
        "currency": "EUR", "net_minor": 8563, "cost_minor": 3330, "recognised_at": "2026-11-02T12:00:00Z",
        "period": "2026-11", "policy_version": "shipped-1", "rule": "every-other-sale",
    }  # fmt: skip
    assert holders[-1] == {
        "role": "owner", "location_id": "store-berlin", "associate_id": None, "not_credited": None,
    }  # fmt: skip
    assert shares[1] == {
        "role": "trial", "played_by": "capture", "location_id": "store-berlin", "associate_id": "till-store-berlin",
        "basis_points": 2000, "exact_ten_thousandths": 17_126_000, "amount_minor": 1713,
    }  # fmt: skip
    assert postings[0] == {
        "ordinal": 0, "book": "stock", "account": "store-berlin", "line": "", "counterparty": "", "amount": -1,
    }  # fmt: skip
    assert (len(holders), len(shares), len(postings)) == (4, 4, 11)
    assert desk.asks("explain", desk.asks("explain", "till-1")[0]["entry_id"])[0]["postings"] == postings


@pytest.mark.parametrize(
    ("order_id", "held_up"),
    [
        ("web-1", ["order has 1 message of it parked, until it knows location store-mars"]),
        ("off-1", ["order/… is a dead letter of it: sums-do-not-add-up"]),
        ("nobody's", []),
    ],
)
def test_where_nothing_was_recognised_what_holds_it_up_is_named(desk: Desk, order_id: str, held_up: list[str]) -> None:
    said = desk.types("explain", order_id)

    assert (said.exit_code, said.stdout) == (1, "")
    lines = [re.sub("order/[a-z2-7]{12}", "order/…", line) for line in said.stderr.splitlines()]
    assert lines == [
        f"tekil: nothing was recognised for {order_id}: not handed over yet, or unknown",
        *(f"tekil: {each}" for each in held_up),
    ]


@pytest.mark.parametrize(
    ("words", "row", "printed"),
    [
        (
            ("credit",),
            {"name": "store-berlin", "currency": "EUR", "amount_minor": 8563},
            "store-berlin 85.63 EUR",
        ),
        (
            ("credit", "--by", "associate"),
            {"name": "till-store-berlin", "currency": "EUR", "amount_minor": 8563},
            "till-store-berlin 85.63 EUR",
        ),
        (
            ("net",),
            {"flow": "carry_out", "location_id": "store-berlin", "currency": "EUR", "quantity": 1, "net_minor": 8563},
            "carry_out store-berlin 1 85.63 EUR",
        ),
        (("discounts",), {"name": "brand", "currency": "EUR", "amount_minor": 1427}, "brand 14.27 EUR"),
    ],
)
def test_the_books_are_reported(desk: Desk, words: tuple[str, ...], row: dict[str, Any], printed: str) -> None:
    assert desk.reads("report", *words)[1:] == [printed]
    assert desk.asks("report", *words) == [row]
    as_csv = desk.types("report", *words, "--csv").stdout
    assert list(csv.DictReader(io.StringIO(as_csv))) == [{name: str(value) for name, value in row.items()}]


def test_the_books_are_reconciled(desk: Desk) -> None:
    assert desk.reads("reconcile") == [
        "zero drift: 6 stock rows, 1 order lines, 85.63 EUR handed over",
        "order: 2 dead letters open, 1 message parked",
    ]
    assert desk.asks("reconcile") == {
        "stock_rows": 6, "order_lines": 1, "net_minor": {"EUR": 8563}, "differences": 0, "shown": [],
        "zero_drift": True,
        "unsettled": {
            name: {"dead_letters": 2, "parked": 1} if name == "order" else {"dead_letters": 0, "parked": 0}
            for name in NAMES
        },
    }  # fmt: skip


def test_what_waits_is_listed(desk: Desk) -> None:
    [told] = desk.asks("parked", "list")

    assert datetime.fromisoformat(told.pop("since")).utcoffset() == timedelta(0)
    assert told == {
        "service": "order", "kind": "Location", "key": "store-mars", "messages": 1,
        "gives_up_at": "2026-11-03T12:00:00Z", "types": ["order.submitted"],
    }  # fmt: skip
    header, line = desk.reads("parked", "list")
    assert header == "service waits for messages since (UTC) until (UTC) types"
    assert line.startswith("order location store-mars 1 ")
    assert line.endswith(" 2026-11-03 12:00:00 order.submitted")


def test_letters_are_listed_and_shown(desk: Desk) -> None:
    of_sums, of_key = sorted(desk.asks("dead-letters", "list"), key=lambda told: str(told["reason"]))

    assert desk.reads("dead-letters", "list", "--reason", "wrong-key")[1].startswith(of_key["id"])
    shown = desk.asks("dead-letters", "show", of_sums["id"], "--value")
    value, headers = json.loads(shown.pop("value")), {each["name"]: each["value"] for each in shown.pop("headers")}
    assert shown == of_sums
    assert (value["order_id"], headers["ce_id"], headers["ce_type"]) == ("off-1", "off-1/sold", "sale.recorded")
    place = of_sums.pop("id"), of_sums.pop("partition"), of_sums.pop("record_offset")
    assert (place[0].partition("/")[0], of_sums) == ("order", {
        "service": "order", "state": "open", "attempts": 1, "topic": "tekil.channel.v1", "type": "sale.recorded",
        "key": "off-1", "reason": "sums-do-not-add-up", "detail": "tenders 2548 are +1 off net and tax of all lines",
        "handler": "record_sale", "first_failed_at": "2026-11-02T12:00:00Z",
        "failed_at": "2026-11-02T12:00:00Z", "outcome": None, "note": None, "closed_at": None,
        "behind": None,
    })  # fmt: skip
    assert desk.reads("dead-letters", "show", place[0])[0] == f"id {place[0]}"


def test_all_letters_of_a_reason_are_wanted_retried_and_no_others(desk: Desk) -> None:
    told = {each["reason"]: each["id"] for each in desk.asks("dead-letters", "list")}

    ran = desk.types("dead-letters", "retry", "--all", "--reason", "wrong-key", "--wait", "0")

    assert [line.split()[0] for line in ran.stdout.splitlines()] == [told["wrong-key"]]
    states = {each["reason"]: each["state"] for each in desk.asks("dead-letters", "list")}
    assert states == {"sums-do-not-add-up": "open", "wrong-key": "retrying"}


def test_the_settings_are_told(desk: Desk) -> None:
    told = {each["variable"]: each["value"] for each in desk.asks("settings")}

    assert told["TEKIL_POSTGRES_PREFIX"] == desk.place.settings.postgres_prefix


def test_what_is_migrated_already_is_told(desk: Desk) -> None:
    assert desk.asks("migrate") == {"order": [], "inventory": [], "fulfilment": [], "returns": [], "attribution": []}
