"""What a bug set aside is tried again by a command, once it is repaired: exactly once, whatever comes meanwhile.

Real servers, two members of the order service, and a person at a terminal.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.order.service import order
from shared.engine.letters import RECORD_BYTES_MAX
from shared.engine.looking import is_led
from shared.engine.message import Outgoing
from shared.engine.service import Service
from shared.events.channel import OrderSubmitted
from shared.kernel import value
from shared.kernel.decision import Answer
from tests.logged import Lines
from tests.mesh.place import PATIENCE_S, Place, eventually, running
from tests.mesh.processes import ROOT
from tests.mesh.world import BERLIN, cancellation, reference, sale, submitted

ORDERS = 12
CHANNEL = "tekil.channel.v1"


def fail(submitted: OrderSubmitted, *_: object, **__: object) -> Answer:
    """Decide with a bug."""
    raise ZeroDivisionError


def buggy() -> Service:
    """The order service of a release that cannot place an order."""
    good = order()
    handlers = [
        replace(handler, decide=fail) if handler.trigger == OrderSubmitted.TYPE else handler
        for handler in good.handlers
    ]
    return Service(good.name, good.metadata, good.rows, tuple(handlers))


async def typed(place: Place, *words: str) -> asyncio.subprocess.Process:
    """Type a command."""
    given = {"TEKIL_POSTGRES": place.postgres, "TEKIL_POSTGRES_PREFIX": place.settings.postgres_prefix}
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", *words, cwd=ROOT, env={**environment, **given, "TERM": "dumb"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        # Whoever started these tests in the background has taught them to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


async def tekil(place: Place, *words: str) -> tuple[int, str]:
    """Type a command; return its exit code and what it printed."""
    process = await typed(place, *words)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def read_again(place: Place, service: str) -> None:
    """Set everything back that a service has read, as after a restore."""
    async with AIOKafkaConsumer(
        bootstrap_servers=place.bootstrap, group_id=f"{place.prefix}tekil.{service}", enable_auto_commit=False
    ) as consumer:
        read = [TopicPartition(place.prefix + topic, number) for topic, number in await place.committed(service)]
        consumer.assign(read)
        await consumer.commit(dict.fromkeys(read, 0))


async def open_letters(place: Place) -> list[str]:
    return [row["id"] for row in await place.fetch("order", "SELECT id FROM dead_letters WHERE state = 'open'")]


async def set_aside(place: Place, service: Service, letters: int, *records: Outgoing) -> None:
    """Publish records to two members of a service, and see so many letters come of them."""
    await place.publish(*reference(), *records)
    async with running(place.member(service), place.member(service)):
        await eventually(lambda: place.value("order", "SELECT count(*) FROM dead_letters"), letters)
        await eventually(lambda: place.value("order", "SELECT count(*) FROM outbox"), 0)
    # PostgreSQL lets go of the lock a moment after the member that held it has left.
    connection = await asyncpg.connect(place.databases["order"])
    try:
        await eventually(lambda: is_led(connection), False)
    finally:
        await connection.close()


async def test_after_a_repair_letters_count_once_while_every_topic_is_read_again(place: Place) -> None:
    orders = [submitted(f"W-{number}", ("coat", 1, BERLIN)) for number in range(ORDERS)]
    await set_aside(place, buggy(), ORDERS, *orders)
    before, letters = await place.committed("order"), await open_letters(place)
    half = [f"order/{each}" for each in letters[: ORDERS // 2]]
    code, said = await tekil(place, "dead-letters", "retry", *half, "--wait", "0")
    assert (code, said.count("no member of order leads now, it is tried when one does")) == (1, ORDERS // 2)

    await read_again(place, "order")
    async with running(place.member(order()), place.member(order())):
        twice = await asyncio.gather(*(tekil(place, "dead-letters", "retry", "--all") for _ in range(2)))
        await eventually(lambda: place.value("order", "SELECT count(*) FROM orders"), ORDERS)
        await eventually(lambda: place.committed("order"), before)
        await eventually(lambda: place.value("order", "SELECT count(*) FROM outbox"), 0)
    assert [code for code, _ in twice] == [0, 0]
    decided = {line.removesuffix("  decided") for _, said in twice for line in said.splitlines()}
    assert {f"order/{each}" for each in letters[ORDERS // 2 :]} <= decided
    closed = await place.fetch("order", "SELECT state, outcome, attempts, value FROM dead_letters")
    assert [tuple(row) for row in closed] == [("closed", "decided", 1, None)] * ORDERS
    told = Counter(record.key for record in await place.published("tekil.order.v1"))
    assert told == {f"W-{number}".encode(): 1 for number in range(ORDERS)}


async def test_who_wants_them_tried_again_twice_waits_for_a_member_that_leads_and_for_all_of_them(place: Place) -> None:
    await set_aside(place, buggy(), 2, *(submitted(f"W-{number}", ("coat", 1, BERLIN)) for number in range(2)))
    letters = await open_letters(place)
    await tekil(place, "dead-letters", "retry", f"order/{letters[0]}", "--wait", "0")

    again = await typed(place, "dead-letters", "retry", "--all", "--wait", f"{PATIENCE_S:g}")
    assert again.stdout is not None
    assert await again.stdout.readline() == b"1 of 2 waited to be tried again before\n"
    assert b"no member of order leads now: waiting 30 s at most" in await again.stdout.readline()
    async with running(place.member(order())):
        said, _ = await again.communicate()
    assert (again.returncode, sorted(said.decode().splitlines())) == (
        0, ["2 letters: 2 decided", *sorted(f"order/{each}  decided" for each in letters)],
    )  # fmt: skip


async def test_who_interrupts_a_retry_is_told_that_letters_stay_marked(place: Place) -> None:
    await set_aside(place, buggy(), 2, *(submitted(f"W-{number}", ("coat", 1, BERLIN)) for number in range(2)))
    waiting = await typed(place, "dead-letters", "retry", "--all", "--wait", f"{PATIENCE_S:g}")
    assert waiting.stdout is not None
    assert b"no member of order leads now" in await waiting.stdout.readline()

    waiting.send_signal(signal.SIGINT)
    said, _ = await waiting.communicate()

    assert (waiting.returncode, said.decode()) == (
        130, "2 letters stay marked: the member that leads tries them all the same\n",
    )  # fmt: skip
    states = await place.fetch("order", "SELECT DISTINCT state FROM dead_letters")
    assert [row["state"] for row in states] == ["retrying"]


async def test_what_a_retry_only_parks_is_not_called_done(place: Place) -> None:
    await set_aside(place, buggy(), 2, submitted("W-1", ("coat", 1, BERLIN)), submitted("W-2", ("coat", 1, "nowhere")))
    async with running(place.member(order())):
        code, said = await tekil(place, "dead-letters", "retry", "--all")

    lines = sorted(line.partition("  ")[2] or line for line in said.splitlines())
    assert (code, lines) == (
        1, ["2 letters: 1 decided, 1 wait", "decided", "waits now for what it stands on: tekil parked list"],
    )  # fmt: skip


async def test_the_log_names_a_letter_as_the_commands_take_it(place: Place, lines: Lines) -> None:
    await set_aside(place, order(), 1, sale("till-7", BERLIN, ("coat", 1), off_minor=10))
    [said] = [line for line in lines.read_all() if line["message"] == "set aside"]
    code, _ = await tekil(place, "dead-letters", "show", said["letter"])
    assert (code, said["service"], said["reason"]) == (0, "order", "sums-do-not-add-up")


async def test_a_letter_is_seen_and_discarded_and_its_value_only_shown_on_demand(place: Place) -> None:
    await set_aside(place, order(), 1, sale("till-7", BERLIN, ("coat", 1), off_minor=10))
    code, said = await tekil(place, "dead-letters", "list", "--service", "order", "--json")
    [letter] = json.loads(said)
    assert code == 0
    assert (letter["reason"], letter["type"], letter["key"], letter["topic"], letter["attempts"]) == (
        "sums-do-not-add-up", "sale.recorded", "till-7", CHANNEL, 1,
    )  # fmt: skip
    assert "value" not in letter
    _, listed = await tekil(place, "dead-letters", "list")
    assert f"{letter['id']}  open   sums-do-not-add-up  " in listed
    assert f"  sale.recorded  {CHANNEL}  till-7  {letter['detail']}\n" in listed

    shown = await asyncio.gather(
        tekil(place, "dead-letters", "show", letter["id"]),
        tekil(place, "dead-letters", "show", letter["id"], "--value"),
    )
    assert ["header ce_id  " in said and "till-7/sold" in said for _, said in shown] == [True, True]
    assert ['"order_id":"till-7"' in said for _, said in shown] == [False, True]

    code, said = await tekil(place, "dead-letters", "discard", letter["id"], "--note", "a till that is gone")
    assert (code, said) == (0, f"{letter['id']}  discarded\n")
    _, said = await tekil(place, "dead-letters", "show", letter["id"], "--value", "--json")
    told = json.loads(said)
    assert (told["outcome"], told["note"], told["headers"], told["value"]) == (
        "discarded", "a till that is gone", [], None,
    )  # fmt: skip
    assert await tekil(place, "dead-letters", "list") == (0, "no dead letters\n")
    code, said = await tekil(place, "dead-letters", "retry", letter["id"])
    closed_at = datetime.fromisoformat(told["closed_at"])
    assert (code, said) == (
        1,
        f"{letter['id']}  was discarded before, {closed_at:%Y-%m-%d %H:%M} UTC: a till that is gone\n",
    )


CANNOT_BE_DONE = (
    (("retry",), 2, "name letters, or --reason, or --all"),
    (("retry", "order/x", "--all"), 2, "name letters, or --reason, or --all"),
    (("retry", "nowhere/x"), 2, "nowhere/x is no dead letter's id"),
    (("retry", "order/x"), 1, "order/x  is not known"),
    (("show", "order/x"), 1, "no dead letter order/x is known"),
    (("discard", "order/x", "--note", "why"), 1, "order/x  is not known"),
    (("retry", "--reason", "not-json"), 0, "no dead letter is open for that"),
)


async def test_what_cannot_be_done_is_said_with_an_exit_code(place: Place) -> None:
    for words, code, says in CANNOT_BE_DONE:
        found, said = await tekil(place, "dead-letters", *words)
        assert (found, says in said) == (code, True), said


async def test_a_record_near_the_most_that_kafka_takes_is_kept_whole_and_told_without_its_value(place: Place) -> None:
    huge = value.replace(sale("huge", BERLIN, ("coat", 1)), value=b"x" * (RECORD_BYTES_MAX + 100_000))
    await set_aside(place, order(), 1, huge)
    [letter] = await place.published(f"{CHANNEL}.order.dlq")
    headers: dict[str, Any] = dict(letter.headers)
    assert (letter.value, headers["tekil_dlq_left_out"], headers["tekil_dlq_value_bytes"]) == (
        None, b"value", b"1000000",
    )  # fmt: skip
    assert await place.value("order", "SELECT octet_length(value) FROM dead_letters") == 1_000_000


async def test_what_waits_can_be_seen(place: Place) -> None:
    await place.publish(submitted("W-1", ("coat", 1, BERLIN)), submitted("W-2", ("coat", 1, BERLIN)))
    async with running(place.member(order())):
        await eventually(lambda: place.value("order", "SELECT count(*) FROM parked"), 2)
    code, said = await tekil(place, "parked", "list", "--json")
    [waiting] = json.loads(said)
    assert code == 0
    assert (waiting["service"], waiting["kind"], waiting["messages"], waiting["types"]) == (
        "order", "Location", 2, ["order.submitted"],
    )  # fmt: skip
    _, said = await tekil(place, "parked", "list")
    assert f"location {waiting['key']}" in said
    assert await tekil(place, "parked", "list", "--service", "returns") == (0, "nothing is parked\n")


async def test_of_letters_of_one_key_the_command_names_the_one_to_retry_first(place: Place) -> None:
    await set_aside(place, buggy(), 2, submitted("W-1", ("coat", 1, BERLIN)), cancellation("W-1"))
    query = "SELECT id FROM dead_letters ORDER BY record_offset"
    first, second = [f"order/{row['id']}" for row in await place.fetch("order", query)]
    async with running(place.member(order())):
        code, said = await tekil(place, "dead-letters", "retry", second)
        assert (code, said) == (
            1,
            f"{second}  set aside again: behind-a-letter; retry {first} first, or all with --all --service order\n",
        )
        assert await tekil(place, "dead-letters", "retry", second, first) == (
            0, f"{second}  decided\n{first}  decided\n2 letters: 2 decided\n",
        )  # fmt: skip
    assert await place.value("order", "SELECT status FROM orders") == "cancelled"
