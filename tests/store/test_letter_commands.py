"""What a person types about dead letters, on a real PostgreSQL, while no member of any service runs."""

import asyncio
import json
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.registry import NAMES
from shared.engine import letterbox
from shared.engine.deciding import MENDABLE
from shared.engine.letters import Letter
from shared.engine.message import VALUE_BYTES_MAX
from shared.engine.tables import service_metadata
from shared.kernel.value import replace
from shared.runtime.postgres import create_databases
from tests.mesh.processes import ROOT
from tests.store.bench import NOON, record
from tests.store.databases import create_tables


@dataclass(frozen=True)
class Desk:
    """Where a person types: the five services' databases, and their letters."""

    postgres: str
    prefix: str

    async def types(self, *words: str, answers: str = "") -> Result:
        """Type a command, and answer what it asks."""
        given = {"TEKIL_POSTGRES": self.postgres, "TEKIL_POSTGRES_PREFIX": self.prefix, "COLUMNS": None}
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead-letters", *words], input=answers, env=given)

    async def is_asked(self, *words: str, answers: str) -> tuple[int | None, str, str]:
        """Type a command on a terminal, and answer there. Returns its exit code and what it printed: output, errors."""
        here, there = os.openpty()
        given = {**os.environ, "TEKIL_POSTGRES": self.postgres, "TEKIL_POSTGRES_PREFIX": self.prefix, "TERM": "dumb"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", "dead-letters", *words, cwd=ROOT, env=given,
            stdin=there, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        os.write(here, answers.encode())
        said, asked = await process.communicate()
        os.close(here)
        os.close(there)
        return process.returncode, said.decode(), asked.decode()

    async def has(self, service: str, *letters: Letter) -> list[str]:
        """Let a service have set records aside. Returns their ids as the commands take them."""
        async with self.database(service) as connection:
            await letterbox.put(connection, letters)
        return [f"{service}/{letter.id}" for letter in letters]

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(f"{self.postgres}/{self.prefix}{service}")
        yield connection
        await connection.close()

    async def states(self, service: str) -> list[tuple[str, str | None]]:
        """State and outcome of a service's letters, in the order of their records."""
        async with self.database(service) as connection:
            rows = await connection.fetch("SELECT state, outcome FROM dead_letters ORDER BY record_offset")
        return [tuple(row) for row in rows]


@pytest.fixture(scope="module")
def desk_of_all(postgres: str) -> Desk:
    """A desk that the tests of this file share, since five databases take seconds."""

    async def prepare(found: Desk) -> Desk:
        await create_databases(postgres, [found.prefix + service for service in NAMES])
        for service in NAMES:
            await create_tables(f"{postgres}/{found.prefix}{service}", service_metadata())
        return found

    return asyncio.run(prepare(Desk(postgres, f"tekil_test_{secrets.token_hex(4)}_")))


@pytest.fixture
async def desk(desk_of_all: Desk) -> AsyncIterator[Desk]:
    """A desk with no letters on it."""
    for service in NAMES:
        async with desk_of_all.database(service) as connection:
            await connection.execute("TRUNCATE dead_letters")
    before = logging.root.handlers
    yield desk_of_all
    # A command sends all logs to its own standard error, which ends with it.
    logging.root.handlers = before


def letter(
    reason: str = "not-json",
    *,
    minutes: int = 0,
    value: bytes = b"[]",
    key: bytes = b"till-7",
    topic: str = "tekil.channel.v1",
    **headers: bytes | None,
) -> Letter:
    """A till's record that was set aside so many minutes after noon."""
    failed_at = NOON + timedelta(minutes=minutes)
    return Letter(
        raw=replace(record("sale.recorded", "s1", value, **headers), key=key, topic=topic),
        type="sale.recorded",
        reason=reason,
        detail="it is a list",
        handler="",
        claimed=False,
        first_failed_at=failed_at,
        failed_at=failed_at,
        holds=f"{topic}|{key.decode()}" if reason in MENDABLE else "",
    )


async def test_a_list_tells_states_the_oldest_first_and_counts(desk: Desk) -> None:
    [late] = await desk.has("order", letter(minutes=2))
    [early] = await desk.has("returns", letter("decision-failed", minutes=1))
    await desk.types("retry", early, "--wait", "0")

    said = (await desk.types("list")).stdout.splitlines()

    assert [line.split()[:3] for line in said] == [
        ["id", "state", "reason"],
        [early, "retrying", "decision-failed"],
        [late, "open", "not-json"],
        [],
        ["letters", "retrying", "service"],
        ["1", "0", "order"],
        ["1", "1", "returns"],
    ]
    assert [each["state"] for each in json.loads((await desk.types("list", "--json")).stdout)] == ["retrying", "open"]


async def test_a_list_that_was_cut_says_how_many_there_are(desk: Desk) -> None:
    await desk.has("order", *(letter(minutes=minute) for minute in range(letterbox.SHOWN_MAX)))
    [newest] = await desk.has("returns", letter(minutes=letterbox.SHOWN_MAX))

    said, as_json = await desk.types("list"), await desk.types("list", "--json")

    note = "the oldest 1,000 of 1,001 letters are shown: see others with --service and --reason\n"
    assert (said.stderr, as_json.stderr) == (note, note)
    assert (newest in said.stdout, len(json.loads(as_json.stdout))) == (False, 1_000)
    assert (await desk.types("list", "--service", "order")).stderr == ""


@pytest.mark.parametrize("words", [("list",), ("retry",), ("discard", "--note", "why", "--yes")])
async def test_a_reason_that_nobody_knows_is_an_error_that_names_those_there_are(
    desk: Desk, words: tuple[str, ...]
) -> None:
    await desk.has("order", letter("of-another-release"))

    wrong = await desk.types(*words, "--reason", "decision-faild")

    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("tekil: decision-faild is no reason of a dead letter. These are: bad-header, ")
    assert ", of-another-release, " in wrong.stderr
    assert (await desk.types("list", "--reason", "of-another-release")).exit_code == 0
    assert (await desk.types("list", "--reason", "decision-failed")).stdout == "no dead letters\n"


async def test_headers_are_told_as_they_came(desk: Desk) -> None:
    repeated = letter(ce_nothing=None)
    raw = replace(repeated.raw, headers=(*repeated.raw.headers, ("ce_id", b"s2"), ("bytes", b"\xff")))
    [shown] = await desk.has("order", replace(repeated, raw=raw))

    said, as_json = await desk.types("show", shown), await desk.types("show", shown, "--json")

    headers = [line.split() for line in said.stdout.splitlines() if line.startswith("header ce_")]
    assert headers[1] == ["header", "ce_id", "s1"]
    assert headers[-2:] == [["header", "ce_nothing", "(null)"], ["header", "ce_id", "s2"]]
    assert "\nheader bytes           \\xff\n" in said.stdout
    told = json.loads(as_json.stdout)
    assert told["headers"][-3:] == [
        {"name": "ce_nothing", "value": None},
        {"name": "ce_id", "value": "s2"},
        {"name": "bytes", "value": {"base64": "/w=="}},
    ]
    assert "value" not in told


async def test_who_wants_letters_retried_again_is_told_that_they_are_to_be(desk: Desk) -> None:
    ids = await desk.has("order", letter(), letter())
    says = "is to be tried, and was not yet: no member of order leads now, it is tried when one does"

    first, second = [await desk.types("retry", "--all", "--wait", wait) for wait in ("0", "0.2")]

    assert (first.exit_code, second.exit_code) == (1, 1)
    summary = "2 letters: 2 not tried yet\n"
    assert first.stdout == second.stdout == f"{ids[0]}  {says}\n{ids[1]}  {says}\n{summary}"
    assert first.stderr == ""
    assert second.stderr == (
        "2 of 2 waited to be tried again before\n"
        "no member of order leads now: waiting 0.2 s at most (if one runs, see its /readyz)\n"
    )


async def test_what_became_of_a_letter_before_is_not_told_as_what_became_of_it_now(desk: Desk) -> None:
    decided, discarded, parked = letter(), letter(), letter()
    ids = await desk.has("order", decided, discarded, parked)
    async with desk.database("order") as connection:
        await letterbox.close(connection, {decided.id: "decided", parked.id: "parked"})
        await letterbox.discard(connection, [discarded.id], note="a test")
        await connection.execute("UPDATE dead_letters SET closed_at = $1", NOON)
    says = [
        f"{ids[0]}  was closed before, 2026-11-02 12:00 UTC: decided",
        f"{ids[1]}  was discarded before, 2026-11-02 12:00 UTC: a test",
        f"{ids[2]}  was parked then, 2026-11-02 12:00 UTC: see tekil parked list, or tekil explain its order",
    ]

    retried, given_up = await desk.types("retry", *ids), await desk.types("discard", *ids, "--note", "why")

    assert (retried.exit_code, given_up.exit_code) == (1, 1)
    summary = "3 letters: 1 decided, 1 discarded, 1 left alone"
    assert retried.stdout.splitlines() == given_up.stdout.splitlines() == [*says, summary]
    exits = [(await desk.types("retry", each)).exit_code for each in ids]
    assert exits == [0, 1, 1]
    exits = [(await desk.types("discard", each, "--note", "why")).exit_code for each in ids]
    assert exits == [1, 0, 1]


async def test_closed_letters_are_listed_those_closed_last_first(desk: Desk) -> None:
    first, last, still = letter(), letter(minutes=-5), letter()
    [early, _] = await desk.has("order", first, still)
    [late] = await desk.has("returns", last)
    async with desk.database("order") as orders, desk.database("returns") as returns:
        await letterbox.close(orders, {first.id: "decided"})
        await letterbox.discard(returns, [last.id], note="a till in training")
        await orders.execute("UPDATE dead_letters SET closed_at = $1 WHERE state = 'closed'", NOON)

    said = [line.split() for line in (await desk.types("list", "--closed")).stdout.splitlines()]

    assert [line[:3] for line in said] == [
        ["id", "outcome", "reason"], [late, "discarded", "not-json"], [early, "decided", "not-json"],
    ]  # fmt: skip
    assert said[1][-4:] == ["a", "till", "in", "training"]
    assert said[2][3:5] == ["2026-11-02", "12:00"]
    [told] = json.loads((await desk.types("list", "--closed", "--service", "order", "--json")).stdout)
    assert (told["id"], told["outcome"], told["closed_at"]) == (early, "decided", "2026-11-02T12:00:00Z")
    assert (await desk.types("list", "--closed", "--reason", "wrong-key")).stdout == "no dead letter was closed\n"
    assert (await desk.types("list", "--closed", "--key", "till-7")).exit_code == 2


async def test_of_closed_letters_the_newest_thousand_are_listed(desk: Desk) -> None:
    letters = [letter() for _ in range(letterbox.SHOWN_MAX + 1)]
    ids = await desk.has("order", *letters)
    async with desk.database("order") as connection:
        await letterbox.close(connection, {each.id: "decided" for each in letters})
        await connection.execute("UPDATE dead_letters SET closed_at = $1 WHERE id = $2", NOON, letters[0].id)

    said = await desk.types("list", "--closed")

    assert (ids[0] in said.stdout, ids[1] in said.stdout) == (False, True)
    assert said.stderr == ("the newest 1,000 of 1,001 letters are shown: see others with --service and --reason\n")


async def test_letters_of_a_key_are_listed_and_of_no_other_that_begins_like_it(desk: Desk) -> None:
    [wanted, *_] = await desk.has("order", letter(key=b"NIS-1"), letter(key=b"NIS-10"))

    said = (await desk.types("list", "--key", "NIS-1")).stdout.splitlines()

    assert [line.split()[0] for line in said if line] == ["id", wanted, "letters", "1"]
    assert (await desk.types("list", "--key", "NIS-")).stdout == "no dead letters\n"


async def test_a_letter_behind_others_names_the_first_of_them(desk: Desk) -> None:
    ids = await desk.has("order", letter("decision-failed"), *(letter("behind-a-letter") for _ in range(2)))
    await desk.has("order", letter("decision-failed", key=b"other"))

    told = json.loads((await desk.types("list", "--json", "--key", "till-7")).stdout)
    shown = (await desk.types("show", ids[2])).stdout

    assert [each["behind"] for each in told] == [None, ids[0], ids[0]]
    assert f"\nbehind                 {ids[0]}\n" in shown


async def test_an_id_is_known_however_it_was_pasted(desk: Desk) -> None:
    [shown] = await desk.has("order", letter())
    bare = shown.partition("/")[2]

    for typed in (f" {shown.upper()}\n", bare, f"{bare.upper()} ", shown.replace("/", " / ")):
        assert json.loads((await desk.types("show", typed, "--json")).stdout)["id"] == shown
    assert (await desk.types("retry", bare, shown, "--wait", "0")).stdout.startswith(f"{shown}  is to be tried")
    assert (await desk.types("discard", bare, "--note", "why")).stdout == f"{shown}  discarded\n"
    unknown = await desk.types("retry", "aaaaaaaaaaaa")
    assert (unknown.exit_code, unknown.stderr) == (1, "tekil: no dead letter aaaaaaaaaaaa is known\n")


async def test_an_id_that_several_services_have_is_not_guessed(desk: Desk) -> None:
    everywhere = letter("unknown-type")
    await desk.has("order", everywhere)
    await desk.has("returns", everywhere)

    said = await desk.types("discard", everywhere.id, "--note", "why")

    assert (said.exit_code, said.stderr) == (
        2, f"tekil: {everywhere.id} may be order/{everywhere.id} or returns/{everywhere.id}: say which\n",
    )  # fmt: skip
    assert await desk.states("order") == [("open", None)]


async def test_what_was_too_large_to_be_kept_is_not_waited_for(desk: Desk) -> None:
    [huge] = await desk.has("order", letter("value-too-large", value=b"x" * (VALUE_BYTES_MAX + 1)))

    said = await desk.types("retry", huge, "--wait", "5")

    assert (said.exit_code, said.stdout) == (1, f"{huge}  is open: too large to be kept, it cannot be tried again\n")


@pytest.mark.parametrize("note", ["", " \t"])
async def test_a_letter_is_not_discarded_without_a_reason_why(desk: Desk, note: str) -> None:
    [shown] = await desk.has("order", letter())

    said = await desk.types("discard", shown, "--note", note)

    assert (said.exit_code, said.stderr) == (2, "tekil: --note is empty: say why, for whoever asks later\n")
    assert await desk.states("order") == [("open", None)]


async def test_an_id_that_is_given_twice_is_one_letter(desk: Desk) -> None:
    [shown] = await desk.has("order", letter())

    assert (await desk.types("discard", shown, shown, "--note", "why")).stdout == f"{shown}  discarded\n"


async def test_all_letters_of_a_reason_are_discarded_when_the_person_says_so(desk: Desk) -> None:
    ids = await desk.has("order", letter(), letter(), letter("wrong-key"))
    [other] = await desk.has("returns", letter())
    words = ("discard", "--reason", "not-json", "--note", "a test of the new till")

    code, _, asked = await desk.is_asked(*words, answers="n\n")
    assert (code, asked.startswith("Discard the letters with reason not-json: 2 of order, 1 of returns? [y/N]:")) == (
        1, True,
    )  # fmt: skip
    assert await desk.states("order") == [("open", None)] * 3
    code, said, _ = await desk.is_asked(*words, "--service", "order", answers="y\n")

    assert (code, said) == (0, f"{ids[0]}  discarded\n{ids[1]}  discarded\n2 letters: 2 discarded\n")
    assert await desk.states("order") == [("closed", "discarded")] * 2 + [("open", None)]
    assert (await desk.types(*words, "--yes")).stdout == f"{other}  discarded\n"
    assert (await desk.types(*words)).stdout == "no dead letter is open for that\n"


BEHIND = "stand behind these, and are decided as if these had never come"


async def test_who_discards_the_first_of_a_stream_is_told_what_stands_behind_it(desk: Desk) -> None:
    ids = await desk.has("order", letter("decision-failed"), *(letter("behind-a-letter") for _ in range(3)))
    await desk.has("order", letter("decision-failed", key=b"other"))

    code, _, asked = await desk.is_asked("discard", *ids[:2], "--note", "why", answers="n\n")

    assert (code, asked.splitlines()[0]) == (1, f"order: 2 letters and 0 parked messages {BEHIND}")
    assert await desk.states("order") == [("open", None)] * 5
    assert (await desk.types("discard", *ids, "--note", "why")).exit_code == 0


async def test_who_discards_what_a_service_of_ours_said_is_told_what_it_costs(desk: Desk) -> None:
    own = await desk.has("attribution", letter("waited-too-long", topic="tekil.order.v1"))

    code, _, asked = await desk.is_asked("discard", *own, "--note", "why", answers="n\n")
    assert (code, "came from Tekil's own services" in asked, "Discard all the same? [y/N]:" in asked) == (
        1, True, True,
    )  # fmt: skip
    assert await desk.states("attribution") == [("open", None)]
    code, said, _ = await desk.is_asked("discard", *own, "--note", "why", answers="y\n")
    assert (code, said) == (0, f"{own[0]}  discarded\n")


@pytest.mark.parametrize("words", [("--reason", "waited-too-long"), ()])
async def test_where_nobody_can_be_asked_nothing_is_discarded_without_yes(desk: Desk, words: tuple[str, ...]) -> None:
    own = await desk.has("attribution", letter("waited-too-long", topic="tekil.order.v1"))

    said = await desk.types("discard", *(words or own), "--note", "why", answers="y\n")

    assert (said.exit_code, said.stderr.splitlines()[-1]) == (
        2, "tekil: nothing was discarded: no terminal to ask on; --yes does not ask",
    )  # fmt: skip
    assert await desk.states("attribution") == [("open", None)]
    assert (await desk.types("discard", *(words or own), "--note", "why", "--yes")).exit_code == 0


@pytest.mark.parametrize("words", [(), ("order/x", "--reason", "not-json"), ("order/x", "--service", "order")])
async def test_letters_to_be_discarded_are_named_or_have_a_reason(desk: Desk, words: tuple[str, ...]) -> None:
    said = await desk.types("discard", *words, "--note", "why")

    assert (said.exit_code, said.stderr) == (
        2, "tekil: name letters, or --reason; --service goes with the latter\n",
    )  # fmt: skip
