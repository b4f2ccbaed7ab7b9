"""Settings are checked at start; a wrong one is named, a secret one never shown."""

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from services.running import NotPrepared, servers
from shared.runtime.settings import Settings, complaints, describe

OPERATE = Path(__file__).parents[3] / "docs" / "operate.md"
URL = "postgresql://tekil:hunter2@db:5432"
SECRET = "a-long-enough-secret"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TEKIL_")]:
        monkeypatch.delenv(name)


def faults(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[str, ...]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    return complaints(caught.value)


def test_without_any_variable_everything_is_embedded() -> None:
    settings = Settings()

    assert (settings.kafka, settings.postgres) == (None, None)
    assert settings.database("order") == "tekil_order"
    assert settings.hold_ttl_s == 3 * 24 * 60 * 60


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEKIL_KAFKA", "")

    assert Settings().kafka is None


async def test_real_servers_need_a_pickup_secret_of_their_own() -> None:
    for found in (Settings(kafka="kafka:9092"), Settings(postgres=SecretStr(URL))):
        with pytest.raises(NotPrepared, match="Set TEKIL_PICKUP_SECRET to a secret of your own"):
            async with servers(found):
                pass


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, TEKIL_BATCH_MAX="many", TEKIL_KAFKA="kafka", TEKIL_HTTP_PORT="65533")

    assert [line.split(":")[0] for line in lines] == ["TEKIL_KAFKA", "TEKIL_BATCH_MAX", "TEKIL_HTTP_PORT"]
    assert lines[1] == (
        "TEKIL_BATCH_MAX: Input should be a valid integer, unable to parse string as an integer. "
        "Expected: Most records in one transaction of a service."
    )


@pytest.mark.parametrize(
    "url",
    ["postgres://db", "postgresql://:5432", f"{URL}/orders", f"{URL}?ssl=require", "postgresql://tekil:hunt/er2@db"],
)
def test_a_postgres_that_is_not_a_server_is_refused_without_showing_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = faults(monkeypatch, TEKIL_POSTGRES=url, TEKIL_PICKUP_SECRET=SECRET)

    assert line.startswith("TEKIL_POSTGRES: not a server's URL.")
    assert url not in line


def test_waits_that_shrink_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = faults(monkeypatch, TEKIL_RETRY_BACKOFF_MIN_S="5", TEKIL_RETRY_BACKOFF_MAX_S="1")

    assert line.startswith("TEKIL_RETRY_BACKOFF_MAX_S: less than TEKIL_RETRY_BACKOFF_MIN_S.")


def test_no_description_or_repr_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEKIL_POSTGRES", URL)
    monkeypatch.setenv("TEKIL_PICKUP_SECRET", SECRET)
    monkeypatch.setenv("TEKIL_INTAKE_TOKEN", "open-sesame-please")

    settings = Settings()
    shown = f"{settings!r}{describe(settings)}"

    assert [word for word in ("hunter2", SECRET, "open-sesame-please") if word in shown] == []


def test_what_was_set_is_told_from_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEKIL_BATCH_MAX", "50")

    lines = {line.variable: line for line in describe(Settings())}

    assert (lines["TEKIL_BATCH_MAX"].value, lines["TEKIL_BATCH_MAX"].is_default) == ("50", False)
    assert (lines["TEKIL_KAFKA"].value, lines["TEKIL_KAFKA"].is_default) == ("", True)


@pytest.mark.parametrize("variable", ["TEKIL_PICKUP_SECRET", "TEKIL_INTAKE_TOKEN"])
def test_a_secret_that_can_be_guessed_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = faults(monkeypatch, **{variable: "fifteen letters"})

    assert line.startswith(f"{variable}: shorter than 16 characters.")


def test_the_operators_page_has_every_setting_as_it_is() -> None:
    rows = re.findall(r"^\| `(TEKIL_\w+)` \| (?:`(.*?)`)? ?\| (.*) \|$", OPERATE.read_text(), re.MULTILINE)

    assert rows == [(line.variable, line.value, line.description) for line in describe(Settings())]
