"""One pipe for every log line, ours and the libraries', and nothing personal or secret in it."""

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "***"
# What identifies a customer, or opens a door. A pickup code is both.
HIDDEN_KEYS = frozenset({"authorization", "code", "customer_id", "password", "pickup_code", "secret", "token"})
HIDDEN_ENDINGS = ("_password", "_secret", "_token")
URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/]*@")

OURS = ("services", "shared")
# These bring handlers of their own, or chat at INFO.
LIBRARIES = ("aiokafka", "alembic", "faststream", "sqlalchemy", "uvicorn", "uvicorn.access", "uvicorn.error")

REPEATED_S = 30.0
"""How often a library may say the same thing: while Kafka is away, its client does dozens of times a second."""
REMEMBERED_MAX = 1_000


def configure(*, level: str, form: Literal["console", "json"] | None = None, stream: TextIO | None = None) -> None:
    """Send all logging to `stream`, by default standard error: ours from `level`, libraries' from WARNING.

    Without a `form` it is console on a terminal and json elsewhere. Call it once, after the libraries are imported:
    some attach handlers when they load. FastStream's broker makes one more unless it is given a logger.
    """
    stream = stream or sys.stderr
    handler = _Handler(stream)
    handler.addFilter(handler.repetitions)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_common(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *_rendered(form, stream)],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    for name in LIBRARIES:
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    structlog.configure(
        processors=[*_common(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class Repetitions(logging.Filter):
    """Lets what a library says pass once in REPEATED_S; the next time it passes, it tells how often it did not.

    The same is what one logger says in the same words, whatever values they are filled with. Our own lines all pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}
        self._left_out: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line passes."""
        if record.name.partition(".")[0] in OURS:
            return True
        same = record.name, str(record.msg)
        if record.created - self._said_at.get(same, 0.0) < REPEATED_S:
            self._left_out[same] += 1
            return False
        if len(self._said_at) >= REMEMBERED_MAX:
            self._said_at.clear()
        self._said_at[same] = record.created
        if left_out := self._left_out.pop(same, 0):
            record.left_out = left_out
        return True

    def rest(self) -> Iterator[logging.LogRecord]:
        """Give what was left out and not told yet."""
        for (name, words), left_out in self._left_out.items():
            told = {
                "name": name,
                "levelno": logging.WARNING,
                "levelname": "WARNING",
                "msg": words,
                "left_out": left_out,
            }
            yield logging.makeLogRecord(told)
        self._left_out.clear()


class _Handler(logging.StreamHandler[TextIO]):
    """Tells at the end what was left out."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.repetitions = Repetitions()

    def close(self) -> None:
        """Tell, and close."""
        for record in self.repetitions.rest():
            self.emit(record)
        super().close()


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide the values of telling keys, at any depth, and the passwords in URLs, in any text."""
    return {key: _redacted(key, value) for key, value in event.items()}


def add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the trace a line belongs to: the one bound to the context, else the current span's."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid and "trace_id" not in event:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        add_trace,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Before redaction, so that a traceback's text is looked through as well.
        structlog.processors.format_exc_info,
    ]


def _rendered(form: Literal["console", "json"] | None, stream: TextIO) -> list[Processor]:
    if form == "console" or (form is None and stream.isatty()):
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer(ensure_ascii=False)]


def _redacted(key: str, value: Any) -> Any:
    if key.lower() in HIDDEN_KEYS or key.lower().endswith(HIDDEN_ENDINGS):
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return URL_PASSWORD.sub(rf"\1:{HIDDEN}@", value)
        case Mapping():
            return {str(inner): _redacted(str(inner), item) for inner, item in value.items()}
        case Sequence() if not isinstance(value, bytes):
            return [_redacted("", item) for item in value]
        case _:
            return _redacted("", str(value))
