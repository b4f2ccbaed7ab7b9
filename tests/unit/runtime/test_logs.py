"""Every log line goes one way, carries its trace, and hides what is personal or secret."""

import logging

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from tests.logged import Lines


def test_personal_data_and_secrets_are_hidden_at_any_depth(lines: Lines) -> None:
    structlog.get_logger("services.order").info(
        "collected", order="O-1", customer_id="C-1", task={"pickup_code": "4711", "tries": [{"intake_token": "t"}]}
    )

    (line,) = lines.read_all()
    assert line["order"] == "O-1"
    assert line["customer_id"] == "***"
    assert line["task"] == {"pickup_code": "***", "tries": [{"intake_token": "***"}]}


@pytest.mark.parametrize("password", ["hunter2", "h@nter2", "hunter:2"])
def test_a_password_in_a_url_is_hidden_wherever_it_stands(password: str, lines: Lines) -> None:
    url = f"postgresql://tekil:{password}@db:5432/tekil_order"
    try:
        raise ConnectionError(f"cannot reach {url}")
    except ConnectionError:
        structlog.get_logger("shared.engine").exception(f"lost {url}", server=url)

    (line,) = lines.read_all()
    assert line["server"] == "postgresql://tekil:***@db:5432/tekil_order"
    assert line["message"] == "lost postgresql://tekil:***@db:5432/tekil_order"
    assert password not in lines.getvalue()


def test_libraries_go_the_same_way_from_warning_up(lines: Lines) -> None:
    logging.getLogger("aiokafka.consumer").info("joined")
    logging.getLogger("uvicorn.error").warning("slow %s", "client", extra={"password": "hunter2"})

    (line,) = lines.read_all()
    assert (line["logger"], line["level"], line["message"]) == ("uvicorn.error", "warning", "slow client")
    assert line["password"] == "***"


def test_our_debug_lines_stay_out_at_info(lines: Lines) -> None:
    structlog.get_logger("services.order").debug("polled")

    assert lines.read_all() == []


def test_a_line_names_the_trace_bound_to_its_context(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(trace_id="4bf92f3577b34da6a3ce929d0e0e4736")

    structlog.get_logger("services.order").info("decided")

    assert lines.read_all()[0]["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_without_a_bound_trace_a_line_names_the_current_span(lines: Lines) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("decide") as span:
        structlog.get_logger("services.order").info("decided")

    (line,) = lines.read_all()
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"


def warn(logger: str, words: str, *values: object, at: float) -> None:
    record = logging.makeLogRecord({"name": logger, "levelno": logging.WARNING, "levelname": "WARNING"})
    record.msg, record.args, record.created = words, values, at
    logging.getLogger(logger).handle(record)


def told(lines: Lines) -> list[tuple[str, int | None]]:
    return [(line["message"], line.get("left_out")) for line in lines.read_all()]


def test_what_a_library_repeats_is_said_once_in_half_a_minute_and_counted(lines: Lines) -> None:
    for second in range(65):
        warn("aiokafka", "Unable connect to node %s", second, at=1_000.0 + second)

    assert told(lines) == [
        ("Unable connect to node 0", None),
        ("Unable connect to node 30", 29),
        ("Unable connect to node 60", 29),
    ]


def test_what_was_left_out_last_is_told_at_the_end(lines: Lines) -> None:
    for second in range(5):
        warn("aiokafka", "Unable connect to node %s", second, at=1_000.0 + second)
    logging.root.handlers[0].close()

    assert told(lines) == [("Unable connect to node 0", None), ("Unable connect to node %s", 4)]


def test_other_words_another_logger_and_our_own_lines_are_not_repetitions(lines: Lines) -> None:
    warn("aiokafka", "Unable connect", at=1_000.0)
    warn("aiokafka", "Unable to update metadata", at=1_000.0)
    warn("asyncpg", "Unable connect", at=1_000.0)
    for _ in range(3):
        warn("shared.engine.member", "set aside", at=1_000.0)

    assert len(lines.read_all()) == 6
