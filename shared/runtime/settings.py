"""Every setting of Tekil: a `TEKIL_*` variable, checked when a command starts."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

VARIABLE_PREFIX = "TEKIL_"
SERVICES = 5
PORT_MAX = 65_535
SECRET_MIN_CHARACTERS = 16
YEAR_S = 31_536_000

# Good enough where everything ends with the command, and nowhere else: it is public.
EMBEDDED_PICKUP_SECRET = SecretStr("only-for-embedded-servers")

HOST = r"([^\s/?#@:,\[\]]+|\[[0-9a-fA-F:]+\])"
BOOTSTRAP = re.compile(rf"{HOST}:\d+(,{HOST}:\d+)*")
SERVER = re.compile(rf"postgresql://([^\s/?#@]+@)?{HOST}(:\d+)?")

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]


class Settings(BaseSettings):
    """What the environment decides. Without any variable, everything runs embedded."""

    model_config = SettingsConfigDict(env_prefix=VARIABLE_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    kafka: str | None = Field(
        default=None, description="Kafka bootstrap servers, host:port,host:port; unset: an embedded one, in memory"
    )
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Put before every topic and group name, to share a cluster",
    )
    postgres: SecretStr | None = Field(
        default=None,
        description="PostgreSQL server, postgresql://user:password@host:5432, no database; unset: an embedded one",
    )
    postgres_prefix: str = Field(
        default="tekil_", pattern=r"^[a-z_][a-z0-9_]*$", description="A service's database is this and its name"
    )
    pickup_secret: SecretStr = Field(
        default=EMBEDDED_PICKUP_SECRET,
        description=f"Key that pickup codes are made with, {SECRET_MIN_CHARACTERS} characters or more; "
        "real servers demand one of your own",
    )

    batch_max: int = Field(default=1500, ge=1, le=10_000, description="Most records in one transaction of a service")
    batch_interval_ms: int | None = Field(
        default=None,
        ge=0,
        le=5_000,  # Half of what a member may be silent for.
        description="Shortest time between the beginnings of two batches of a service that is not behind, milliseconds;"
        " unset: each service's own",
    )
    relay_batch_max: int = Field(default=1000, ge=1, le=10_000, description="Most events the relay publishes at once")
    tick_interval_ms: int = Field(
        default=200, ge=10, le=60_000, description="How often deadlines are looked at, milliseconds"
    )
    retry_backoff_min_s: float = Field(
        default=0.1, gt=0, le=60, description="First wait after an infrastructure failure, seconds; then it doubles"
    )
    retry_backoff_max_s: float = Field(default=10.0, gt=0, le=600, description="Longest such wait, seconds")
    parked_max_age_s: int = Field(
        default=86_400,
        ge=1,
        le=YEAR_S,
        description="How long an early message waits before it is a dead letter, seconds",
    )
    hold_ttl_s: int = Field(
        default=259_200, ge=1, le=YEAR_S, description="How long stock is held for an order that nobody picks, seconds"
    )

    http_host: str = Field(default="127.0.0.1", description="Address the services' HTTP listens on")
    http_port: int = Field(
        default=8080,
        ge=1,
        le=PORT_MAX - SERVICES + 1,
        description="Port of order; inventory, fulfilment, returns and attribution take the next ones",
    )
    intake_token: SecretStr | None = Field(
        default=None,
        description=f"Bearer token that `POST /v1/events` demands, {SECRET_MIN_CHARACTERS} characters or more; "
        "unset: intake is closed",
    )

    otlp_endpoint: str | None = Field(
        default=None, pattern=r"^https?://", description="Where traces are sent (OTLP over HTTP); unset: nowhere"
    )
    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: Literal["console", "json"] | None = Field(
        default=None, description="console or json; unset: console on a terminal, else json"
    )

    @field_validator("kafka")
    @classmethod
    def _is_bootstrap(cls, kafka: str | None) -> str | None:
        if kafka is not None and not BOOTSTRAP.fullmatch(kafka):
            raise ValueError("not host:port, or several with commas between and no spaces")
        return kafka

    @field_validator("postgres")
    @classmethod
    def _is_server(cls, postgres: SecretStr | None) -> SecretStr | None:
        if postgres is not None and not SERVER.fullmatch(postgres.get_secret_value()):
            raise ValueError(
                "not a server's URL. It ends after the port, since each service adds its own database; a / ? # or @ in "
                "the password is written as %2F %3F %23 or %40; TLS is set by PGSSLMODE"
            )
        return postgres

    @field_validator("pickup_secret", "intake_token")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SECRET_MIN_CHARACTERS:
            raise ValueError(f"shorter than {SECRET_MIN_CHARACTERS} characters")
        return secret

    @field_validator("retry_backoff_max_s")
    @classmethod
    def _is_after_first(cls, longest: float, info: ValidationInfo) -> float:
        if longest < info.data.get("retry_backoff_min_s", 0):
            raise ValueError("less than TEKIL_RETRY_BACKOFF_MIN_S")
        return longest

    @property
    def pickup_secret_is_public(self) -> bool:
        """Whether pickup codes would be made with the default, which anyone can read in the source."""
        return self.pickup_secret == EMBEDDED_PICKUP_SECRET

    def database(self, service: str) -> str:
        """The name of `service`'s database."""
        return f"{self.postgres_prefix}{service}"


@dataclass(frozen=True, kw_only=True)
class Described:
    """One setting as `tekil settings` shows it; a secret's value is masked."""

    variable: str
    value: str
    is_default: bool
    description: str

    @classmethod
    def of(cls, name: str, settings: Settings) -> Self:
        """Describe the field `name`."""
        field = Settings.model_fields[name]
        value = getattr(settings, name)
        return cls(
            variable=_variable(name),
            value="" if value is None else str(value),
            is_default=value == field.default,
            description=field.description or "",
        )


def describe(settings: Settings) -> tuple[Described, ...]:
    """Every setting, in the order they are declared."""
    return tuple(Described.of(name, settings) for name in Settings.model_fields)


def complaints(error: ValidationError) -> tuple[str, ...]:
    """What is wrong with the environment, a line for each variable: its name, the fault, what it should be."""
    return tuple(_complaint(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False))


def _complaint(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0])
    expected = Settings.model_fields[name].description if name in Settings.model_fields else "no such setting"
    # Values stay out of the line: one of them may be a password.
    return f"{_variable(name)}: {message.removeprefix('Value error, ')}. Expected: {expected}."


def _variable(name: str) -> str:
    return VARIABLE_PREFIX + name.upper()
