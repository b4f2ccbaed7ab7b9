"""Which servers a run uses is one word, and auto never settles for a stand-in."""

import pytest

from shared.runtime.servers import ServersUnavailable, choose, kafka_server, postgres_server

ADDRESSES = {"TEKIL_KAFKA": "kafka:9092", "TEKIL_POSTGRES": "postgresql://tekil:hunter2@db:5432"}


@pytest.fixture
def without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def test_auto_takes_the_addresses_that_are_set() -> None:
    assert choose(ADDRESSES) == "external"


@pytest.mark.usefixtures("without_docker")
def test_auto_starts_real_servers_where_there_is_no_docker() -> None:
    assert choose({}) == "local"
    assert choose({"TEKIL_KAFKA": "kafka:9092"}) == "local"


def test_a_word_wins_over_addresses() -> None:
    assert choose({**ADDRESSES, "TEKIL_TEST_SERVERS": "embedded"}) == "embedded"


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ServersUnavailable, match="'dokcer'; it can be auto, external, containers, local, embedded"):
        choose({"TEKIL_TEST_SERVERS": "dokcer"})


def test_external_servers_are_used_as_they_are_and_shown_without_a_password() -> None:
    with kafka_server("external", ADDRESSES) as kafka, postgres_server("external", ADDRESSES) as postgres:
        assert kafka.address == "kafka:9092"
        assert postgres.address == "postgresql://tekil:hunter2@db:5432"
        assert postgres.source == "PostgreSQL at db:5432"
        assert "hunter2" not in repr(postgres)


def test_external_without_an_address_names_the_variable() -> None:
    with pytest.raises(ServersUnavailable, match="needs TEKIL_KAFKA set too"), kafka_server("external", {}):
        pass
