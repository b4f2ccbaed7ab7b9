"""librdkafka's in-process Kafka, for one command with nothing to install.

It is a stand-in, not a broker. Its records live in this process's memory and die with it. A partition keeps its
newest 5 MB or 100,000 records and drops older ones, read or not. A consumer group can have one member. Clients cannot
create topics: every topic is here from the start. For anything but a demonstration, use Apache Kafka.

confluent-kafka offers this cluster only without a way to say how many partitions a topic has, so we call the C
functions it carries. They are declared in librdkafka's `rdkafka_mock.h`.
"""

import ctypes
import time
from collections.abc import Sequence
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_void_p
from types import TracebackType
from typing import Self

from confluent_kafka import cimpl, libversion

from shared.runtime.process import ServerFailed
from shared.runtime.topics import Topic, load

ERROR_MAX_BYTES = 512
PRODUCER = 0
REPLICAS = 1
PAUSE_S = 0.001

# Logs off: the cluster's own client tells of every connection that our clients close.
CONFIGURATION = {"test.mock.num.brokers": "1", "log_level": "0"}

# Name, result, arguments. ctypes takes an undeclared pointer for an int and cuts it in half.
SIGNATURES = (
    ("rd_kafka_conf_new", c_void_p, ()),
    ("rd_kafka_conf_set", c_int, (c_void_p, c_char_p, c_char_p, c_char_p, c_size_t)),
    ("rd_kafka_new", c_void_p, (c_int, c_void_p, c_char_p, c_size_t)),
    ("rd_kafka_destroy", None, (c_void_p,)),
    ("rd_kafka_handle_mock_cluster", c_void_p, (c_void_p,)),
    ("rd_kafka_mock_cluster_bootstraps", c_char_p, (c_void_p,)),
    ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (c_void_p, c_int32)),
    ("rd_kafka_mock_topic_create", c_int, (c_void_p, c_char_p, c_int, c_int)),
)


class EmbeddedKafka:
    """An in-process cluster with every declared topic, living inside the `with` block; see above for its limits."""

    def __init__(self, *, prefix: str = "", topics: Sequence[Topic] | None = None) -> None:
        self._topics = {prefix + topic.name: topic.partitions for topic in topics or load().all_topics()}
        self._library = _library()
        self._client: int | None = None
        self.bootstrap = ""

    @property
    def source(self) -> str:
        """What runs, as in "librdkafka 2.16.1, in memory"."""
        return f"librdkafka {libversion()[0]}, in memory"

    def __enter__(self) -> Self:
        library = self._library
        error = ctypes.create_string_buffer(ERROR_MAX_BYTES)
        configuration = library.rd_kafka_conf_new()
        for name, value in CONFIGURATION.items():
            library.rd_kafka_conf_set(configuration, name.encode(), value.encode(), error, ERROR_MAX_BYTES)
        self._client = library.rd_kafka_new(PRODUCER, configuration, error, ERROR_MAX_BYTES)
        if self._client is None:
            raise ServerFailed(f"librdkafka's in-process cluster did not start: {error.value.decode()}")
        cluster = library.rd_kafka_handle_mock_cluster(self._client)
        # Nobody else can join a group here, so there is nobody to wait three seconds for.
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
        for name, partitions in self._topics.items():
            # A call right behind the last one's answer can miss the cluster's wake-up, and then waits a whole second.
            time.sleep(PAUSE_S)
            library.rd_kafka_mock_topic_create(cluster, name.encode(), partitions, REPLICAS)
        self.bootstrap = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._library.rd_kafka_destroy(self._client)
            self._client = None


def _library() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka has already loaded: the loader finds it through the extension module."""
    library = ctypes.CDLL(cimpl.__file__)
    for name, result, arguments in SIGNATURES:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
