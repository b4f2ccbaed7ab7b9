"""Bugs in how messages are read, decided, kept and published."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from shared.engine import deciding, engine
from shared.engine.deciding import Deciding
from shared.engine.engine import Engine
from shared.engine.letters import Letter, Outcome
from shared.engine.memory import MemoryStore, MemoryTransaction
from shared.engine.message import Message, Outgoing, Raw
from shared.engine.store import Claim, DeadlineSet, Effects, Verdict, Wait
from shared.engine.waiting import WaitingRoom
from shared.kernel.decision import Given
from shared.kernel.value import replace
from tests.simulation.bus import Dice, Group
from tests.simulation.cluster import Cluster, Running
from tests.simulation.mutants import Mutant
from tests.simulation.store import OverlappingTransaction

claim_well, sift_well = MemoryTransaction.claim, Engine._sift
poll_well = Group.poll
relay_well, save_well, new_id_well = Cluster._relay, OverlappingTransaction.save, Given.new_id
drawn = count()


async def claim_everything(self: MemoryTransaction, claims: Sequence[Claim]) -> list[Verdict]:
    return [Verdict.FRESH] * len(claims)


async def find_nothing(self: MemoryTransaction, waits: Iterable[Wait], streams: Iterable[str]) -> bool:
    return True


async def claim_at_once(self: MemoryTransaction, claims: Sequence[Claim]) -> list[Verdict]:
    verdicts = await claim_well(self, claims)
    self._store.inbox.update(self._claimed)
    self._claimed = {}
    return verdicts


async def sift_with_repetitions(self: Engine, transaction: Any, readings: Sequence[Any], verdicts: Any) -> Any:
    fresh = await sift_well(self, transaction, readings, verdicts)
    identities = {(message.source, message.id) for message in fresh.messages}
    messages = (each for each in readings if isinstance(each, Message) and (each.source, each.id) in identities)
    return replace(fresh, messages=tuple(messages))


def poll_and_commit(self: Group, member: int, dice: Dice, *, limit: int) -> list[Raw]:
    records = poll_well(self, member, dice, limit=limit)
    self.commit(member, records)
    return records


def after_the_cursor(self: Running) -> list[tuple[int, Outgoing]]:
    cursor = vars(self).setdefault("cursor", 0)
    return sorted((row_id, record) for row_id, record in self.store.unpublished.items() if row_id > cursor)


def relay_by_cursor(self: Cluster, running: Running, rows: Sequence[tuple[int, Outgoing]]) -> None:
    relay_well(self, running, rows)
    vars(running)["cursor"] = max([vars(running).get("cursor", 0), *(row_id for row_id, _ in rows)])


def delete_and_die(self: Cluster, running: Running, dice: Dice) -> None:
    for row_id, _ in self._oldest(running, dice):
        del running.store.unpublished[row_id]


def relay_as_it_comes(self: Cluster, running: Running, rows: Sequence[tuple[int, Outgoing]]) -> None:
    relay_well(self, running, rows[::-1])


async def only_the_impatient(self: MemoryStore, now: Any, limit: int) -> list[Wait]:
    return list({parked.wait: None for parked in self.parked.values() if parked.until <= now})[:limit]


async def save_without_deadlines(self: OverlappingTransaction, effects: Effects) -> None:
    effects.deadlines = {}
    await save_well(self, effects)


async def take_everything(self: OverlappingTransaction, deadlines: Iterable[DeadlineSet]) -> set[tuple[str, str]]:
    self._taken = {(each.name, each.key) for each in deadlines}
    return self._taken


def draw_an_id(self: Given, name: str | int) -> str:
    return new_id_well(self, f"{name} {next(drawn)}")


def one_id_for_all_deadlines(self: Given, name: str | int) -> str:
    return new_id_well(self, ":".join(name.split(":")[:2]) if isinstance(name, str) else name)


async def save_row_by_row(self: OverlappingTransaction, effects: Effects) -> None:
    for kind, rows in effects.changed.items():
        self._store.rows[kind].update(rows)
        self._seen |= {(kind, key): row for key, row in rows.items()}
    await save_well(self, effects)


async def letters_in_any_state(self: MemoryTransaction, ids: Iterable[str]) -> list[Letter]:
    return [self._store.letters[letter_id].letter for letter_id in ids]


def closed_whatever_became_of_them(fresh: Any, effects: Effects) -> dict[str, Outcome]:
    return {letter.id: "decided" for letter in fresh.letters}


def hold_nobody(self: Deciding, message: Message) -> bool:
    return False


def retry_nothing(self: MemoryStore, letter_ids: Iterable[str]) -> None:
    """Forget what a person wants."""


BUGS = (
    Mutant(
        "inbox-dropped", "Nobody looks whether an event came before.", ((MemoryTransaction, "claim", claim_everything),)
    ),
    Mutant(
        "inbox-written-at-once",
        "The inbox is written before the transaction commits.",
        ((MemoryTransaction, "claim", claim_at_once),),
    ),
    Mutant(
        "batch-with-repetitions",
        "An event that comes twice in one batch is decided twice.",
        ((Engine, "_sift", sift_with_repetitions),),
    ),
    Mutant("offsets-first", "Offsets are committed before the database.", ((Group, "poll", poll_and_commit),)),
    Mutant(
        "relay-by-cursor",
        "The relay remembers the last id that it published, and goes on after it.",
        ((Running, "outbox", after_the_cursor), (Cluster, "_relay", relay_by_cursor)),
    ),
    Mutant(
        "delete-before-publishing",
        "The relay deletes rows and then publishes them.",
        ((Cluster, "relay_and_die", delete_and_die),),
    ),
    Mutant("relay-out-of-order", "The relay publishes rows as they come.", ((Cluster, "_relay", relay_as_it_comes),)),
    Mutant(
        "nothing-parks-behind",
        "A message overtakes an earlier one of its key that waits.",
        ((WaitingRoom, "blocking", lambda self, stream: None),),
    ),
    Mutant(
        "early-messages-lost",
        "A message that comes too early is dropped.",
        ((deciding.Deciding, "_park", lambda *_: None),),
    ),
    Mutant(
        "nothing-wakes", "What waits is not woken by what it waits for.", ((WaitingRoom, "arrived", lambda *_: None),)
    ),
    Mutant(
        "nobody-looks-again",
        "What was parked while its row was being written is not looked at again.",
        ((MemoryStore, "restless", only_the_impatient),),
    ),
    Mutant(
        "lost-update",
        "A transaction writes over what another one wrote meanwhile.",
        ((OverlappingTransaction, "overtaken", lambda self: False),),
    ),
    Mutant(
        "rows-before-the-commit",
        "Rows are written on their own, before the transaction commits.",
        ((OverlappingTransaction, "save", save_row_by_row),),
    ),
    Mutant("deadlines-lost", "Deadlines are not kept.", ((OverlappingTransaction, "save", save_without_deadlines),)),
    Mutant(
        "deadline-taken-twice",
        "Two leaders decide about one deadline.",
        ((OverlappingTransaction, "take", take_everything),),
    ),
    Mutant(
        "letter-retried-twice",
        "A letter that one leader has retried is decided by another one, too.",
        (
            (MemoryTransaction, "letters", letters_in_any_state),
            (OverlappingTransaction, "letters", letters_in_any_state),
        ),
    ),
    Mutant(
        "letter-lost-when-it-fails-again",
        "A letter is closed when it was retried, though it failed again.",
        ((engine, "_closed", closed_whatever_became_of_them),),
    ),
    Mutant(
        "nothing-in-the-way",
        "What waits, and what letters hold, is not looked at.",
        ((MemoryTransaction, "is_clear", find_nothing),),
    ),
    Mutant("letters-not-retried", "Nobody retries letters.", ((MemoryStore, "retry", retry_nothing),)),
    Mutant(
        "letters-hold-nobody",
        "What comes after a letter in its stream is decided before it.",
        ((Deciding, "_is_held", hold_nobody),),
    ),
    Mutant("ids-drawn", "Ids of events are drawn, not derived.", ((Given, "new_id", draw_an_id),)),
    Mutant(
        "deadlines-share-an-id",
        "Deadlines that one message sets have the same id. (Tekil had this bug; the simulation found it.)",
        ((Given, "new_id", one_id_for_all_deadlines),),
    ),
)
