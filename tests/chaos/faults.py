"""How each kind of fault is made, and healed. Docstrings say what goes wrong; what is returned, to whom it happened."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.registry import NAMES
from shared.engine.relay import LEADER_LOCK
from shared.runtime.process import ServerFailed
from tests.chaos.crew import Crew, Process, Publisher
from tests.chaos.schedule import FOR_S, Fault
from tests.chaos.servers import Servers
from tests.mesh.place import Place

PATIENCE_S = 40.0
LOOK_S = 0.1
ADMIN_TIMEOUT_S = 5.0
BACK_MAX = 60
"""Records that a publisher which died tells again, at most."""
_LEADER = """
    SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND objid = $1 AND granted AND datname = current_database()
"""
_CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1) AND pid <> pg_backend_pid()"
_FILL_THE_DISK = """
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON outbox EXECUTE FUNCTION disk_full();
"""
_EMPTY_THE_DISK = "DROP TRIGGER disk_full ON outbox; DROP FUNCTION disk_full();"
T = TypeVar("T")
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True)
class Scene:
    """Where faults happen. The databases of `place` are reached without the proxy."""

    servers: Servers
    place: Place
    crew: Crew
    publishers: Sequence[Publisher] = field(default=())

    @property
    def databases(self) -> list[str]:
        """The names of the databases."""
        return [url.rpartition("/")[2] for url in self.place.databases.values()]

    async def administer(self, *statements: str) -> None:
        """Run statements that belong to no service's database."""
        connection = await asyncpg.connect(f"{self.place.postgres}/postgres")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute(_CUT_OFF, self.databases)
        await connection.close()

    async def leader(self, service: str) -> tuple[int, Process]:
        """Return the session that holds a service's lead and the process whose it is, once there is one."""
        return await patiently(lambda: self.look_for_leader(service), f"nobody leads {service}")

    async def look_for_leader(self, service: str) -> tuple[int, Process] | None:
        """Return them, where there is a leader now."""
        rows = await self.place.fetch(service, _LEADER, LEADER_LOCK)
        known = [(row["pid"], self.crew.running.get(row["application_name"])) for row in rows]
        return next(((pid, process) for pid, process in known if process is not None), None)


async def patiently(look: Callable[[], Awaitable[T | None]], otherwise: str) -> T:
    """Look until there is something, however often the database is away. Raises TimeoutError."""
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while asyncio.get_running_loop().time() < until:
        with suppress(*AWAY):
            if found := await look():
                return found
        await asyncio.sleep(LOOK_S)
    raise TimeoutError(f"{otherwise}, for {PATIENCE_S:g} s")


async def kill_member(scene: Scene, fault: Fault) -> str:
    """A process is killed (SIGKILL), and another one is started."""
    return await _replace(scene, scene.crew.pick(fault.roll), fault)


async def kill_leader(scene: Scene, fault: Fault) -> str:
    """The process that leads a service's relay is killed."""
    _, process = await scene.leader(_service(fault))
    return await _replace(scene, process, fault)


async def pause_member(scene: Scene, fault: Fault) -> str:
    """A process stands still (SIGSTOP) until Kafka has given its partitions away, and then goes on."""
    process = scene.crew.pick(fault.roll)
    await scene.crew.pause(process)
    await asyncio.sleep(fault.for_s)
    await scene.crew.resume(process)
    return process.name


async def replace_paused_leader(scene: Scene, fault: Fault) -> str:
    """A leader stands still, PostgreSQL gives the lead to another, and then it goes on."""
    service = _service(fault)
    session, process = await scene.leader(service)
    await scene.crew.pause(process)

    async def another() -> Process | None:
        await scene.place.fetch(service, "SELECT pg_terminate_backend($1)", session)
        found = await scene.look_for_leader(service)
        return found[1] if found and found[1] != process else None

    next_one = await patiently(another, f"nobody took the lead of {service} over")
    await asyncio.sleep(fault.for_s)
    await scene.crew.resume(process)
    return f"{service}: {process.name}, replaced by {next_one.name}"


async def take_the_lead(scene: Scene, fault: Fault) -> str:
    """The session that holds a service's lead is ended; its process lives."""
    service = _service(fault)
    session, process = await scene.leader(service)
    with suppress(*AWAY):
        await scene.place.fetch(service, "SELECT pg_terminate_backend($1)", session)
    await asyncio.sleep(fault.for_s)
    return f"{service}: {process.name}"


async def join_and_leave(scene: Scene, fault: Fault) -> str:
    """A third process joins, and is stopped (SIGTERM) later: partitions move twice."""
    process = await scene.crew.hire(scene.crew.pick(fault.roll).group)
    await asyncio.sleep(fault.for_s)
    await scene.crew.dismiss(process)
    return process.name


async def read_again(scene: Scene, fault: Fault) -> str:
    """All members of a service end, stopped or killed; its group's offsets are deleted: it reads all topics again."""
    service = _service(fault)
    gone = scene.crew.of(service)
    for process in gone:
        await (scene.crew.dismiss(process) if fault.roll % 2 else scene.crew.kill(process))
    group = f"{scene.place.prefix}tekil.{service}"
    await patiently(lambda: asyncio.to_thread(_forget, scene.servers.bootstrap, group), f"{group} stays alive")
    for process in gone:
        await scene.crew.hire(process.group)
    return f"{service}, {'stopped' if fault.roll % 2 else 'killed'}"


async def kill_publisher(scene: Scene, fault: Fault) -> str:
    """A publisher is killed, and publishes again from somewhere before."""
    publisher = scene.publishers[fault.roll % len(scene.publishers)]
    back = fault.roll % BACK_MAX
    await publisher.kill_for(fault.for_s, back=back)
    return f"{publisher.part}, {back} records back"


async def kill_broker(scene: Scene, fault: Fault) -> str:
    """Kafka is killed, and started again with its data."""
    return await _away(scene.servers.kafka.crash, scene.servers.kafka.start, fault)


async def restart_broker(scene: Scene, fault: Fault) -> str:
    """Kafka is stopped well, and started again."""
    return await _away(scene.servers.kafka.stop, scene.servers.kafka.start, fault)


async def restart_database(scene: Scene, fault: Fault) -> str:
    """PostgreSQL is shut down at once (SIGQUIT), and recovers."""
    return await _away(scene.servers.postgres.quit, scene.servers.postgres.start, fault)


async def terminate_connections(scene: Scene, fault: Fault) -> str:
    """Every session in PostgreSQL is ended, twice."""
    await scene.administer()
    await asyncio.sleep(fault.for_s)
    await scene.administer()
    return "all"


async def make_read_only(scene: Scene, fault: Fault) -> str:
    """The databases take no writes (default_transaction_read_only), as after a failover to a standby."""
    await scene.administer(
        *(f"ALTER DATABASE {name} SET default_transaction_read_only = on" for name in scene.databases)
    )
    await asyncio.sleep(fault.for_s)
    await scene.administer(*(f"ALTER DATABASE {name} RESET default_transaction_read_only" for name in scene.databases))
    return "all"


async def fill_the_disk(scene: Scene, fault: Fault) -> str:
    """Writing to the outbox fails with disk_full (53100): a trigger says so, the disk is not really full."""
    service = _service(fault)
    connection = await asyncpg.connect(scene.place.databases[service])
    await connection.execute(_FILL_THE_DISK)
    await asyncio.sleep(fault.for_s)
    await connection.execute(_EMPTY_THE_DISK)
    await connection.close()
    return service


def network(which: str, how: str) -> Callable[[Scene, Fault], Awaitable[str]]:
    """Return a fault of the network before a server."""

    async def fail(scene: Scene, fault: Fault) -> str:
        proxy = getattr(scene.servers, f"to_{which}")
        getattr(proxy, how)()
        await asyncio.sleep(fault.for_s)
        proxy.heal()
        return which

    return fail


async def _replace(scene: Scene, process: Process, fault: Fault) -> str:
    await scene.crew.kill(process)
    await asyncio.sleep(fault.for_s)
    await scene.crew.hire(process.group)
    return process.name


async def _away(end: Callable[[], None], begin: Callable[[], None], fault: Fault) -> str:
    await asyncio.to_thread(end)
    await asyncio.sleep(fault.for_s)
    for last in (False, False, True):
        try:
            await asyncio.to_thread(begin)
        except ServerFailed:
            # On a machine that has much else to do, a server may not be ready in time.
            if last:
                raise
        else:
            break
    return "the only one"


def _forget(bootstrap: str, group: str) -> bool | None:
    """Delete a group's offsets; says whether it could be, which it cannot while Kafka believes a member alive."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        client.delete_consumer_groups([group], request_timeout=ADMIN_TIMEOUT_S)[group].result(ADMIN_TIMEOUT_S)
    except KafkaException as error:
        return error.args[0].name() == "GROUP_ID_NOT_FOUND" or None
    return True


def _service(fault: Fault) -> str:
    return NAMES[fault.roll // 7 % len(NAMES)]


FAULTS: Mapping[str, Callable[[Scene, Fault], Awaitable[str]]] = {
    "member-killed": kill_member,
    "leader-killed": kill_leader,
    "member-paused": pause_member,
    "leader-paused-and-replaced": replace_paused_leader,
    "lead-taken": take_the_lead,
    "member-joins-and-leaves": join_and_leave,
    "group-reads-again": read_again,
    "publisher-killed": kill_publisher,
    "broker-killed": kill_broker,
    "broker-restarted": restart_broker,
    "database-restarted": restart_database,
    "connections-terminated": terminate_connections,
    "kafka-cut": network("kafka", "cut"),
    "kafka-stalled": network("kafka", "stall"),
    "kafka-half-open": network("kafka", "half_open"),
    "database-cut": network("postgres", "cut"),
    "database-stalled": network("postgres", "stall"),
    "database-half-open": network("postgres", "half_open"),
    "database-read-only": make_read_only,
    "disk-full": fill_the_disk,
}
assert FAULTS.keys() == FOR_S.keys()
