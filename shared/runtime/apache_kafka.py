"""A real Apache Kafka (KRaft, one node) for tests and benches, without Docker."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shared.runtime.apache_kafka_installation import install, properties
from shared.runtime.process import Launch, ServerProcess, free_port

START_TIMEOUT_S = 60.0
PROBE_TIMEOUT_S = 0.2


class ApacheKafka:
    """One Kafka node on a free port of 127.0.0.1, running inside the `with` block; its data goes with it.

    The first use in a checkout downloads the jars. Raises KafkaMissing or ServerFailed.
    """

    def __init__(self) -> None:
        self._installation = install()
        self._directory = Path(tempfile.mkdtemp(prefix="tekil-kafka-"))
        self._port = free_port()
        self._controller_port = free_port()
        self._process: ServerProcess | None = None

    @property
    def source(self) -> str:
        """What runs, as in "Apache Kafka 4.1.0"."""
        return f"Apache Kafka {self._installation.version}"

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers, `127.0.0.1:port`."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        try:
            shutil.copytree(self._installation.directory / "formatted", self._directory / "data")
            self._configuration.write_text(
                properties(port=self._port, controller_port=self._controller_port, data=self._directory / "data")
            )
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._discard()

    def start(self) -> None:
        """Start the node and wait until it serves; after `stop` or `crash`, on the same port and data."""
        process = ServerProcess(
            Launch(
                command=self._installation.command("kafka.Kafka", str(self._configuration)),
                log=self._directory / "kafka.log",
            )
        )
        self._process = process.wait_until(lambda: serves(self.bootstrap), timeout_s=START_TIMEOUT_S)

    def stop(self) -> None:
        """Stop the node cleanly."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def crash(self) -> None:
        """Kill the node as a power cut would; `start` then recovers its logs."""
        if self._process is not None:
            self._process.crash()
            self._process = None

    @property
    def _configuration(self) -> Path:
        return self._directory / "server.properties"

    def _discard(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def serves(bootstrap: str) -> bool:
    """Whether a broker at `bootstrap` answers and is ready to lead partitions."""
    # Refused connections are what we wait through, so librdkafka's own log of them is off.
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=PROBE_TIMEOUT_S).brokers)
    except KafkaException:
        return False
