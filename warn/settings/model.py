"""What can be set. Components keep their own config types, which are nested here.

Connectors and notifiers are mappings from a name, not lists, so that one key of one of them, such as a secret, can come
from another place: `WARN_NOTIFIERS__PAGER__ROUTING_KEY`, or the file `warn_notifiers__pager__routing_key`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from connectors import ConnectorSettings
from warn.model.hashing import BUCKETS
from warn.notify.registry import NotifierConfig
from warn.outbound.inside import Inside, check_reachable
from warn.rulefile.quantity import duration
from warn.settings.kafka import KafkaSettings

PREFIX: Final = "WARN_"
KAFKA_PARTITIONS: Final = 6
"""Of `[mentions]`, `[signals]` and collect on Kafka, unless the settings say otherwise."""


def _named(value: object) -> object:
    """The key of a mapping is the name of what it holds."""
    if not isinstance(value, Mapping):
        return value
    return {name: {"name": name, **one} if isinstance(one, Mapping) else one for name, one in value.items()}


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Web(_Part):
    """The web pages: where they listen, and how others reach them."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    public_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")] | None = None
    """What a page tells people to open; without it, the address on this machine."""
    hosts: tuple[str, ...] = ()
    """Names that pages answer to besides addresses, localhost and that of `public_url`."""
    reload_token: SecretStr | None = None
    """Lets others than this machine ask for a reload of the rules."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names that pages answer to."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return (*self.hosts, *((public,) if public else ()), *((self.host,) if self.host else ()))


class Log(_Part):
    """How the log is written to standard error; `console` where a person reads it."""

    format: Literal["json", "console"] | None = None
    level: Literal["debug", "info", "warning", "error"] = "info"


def _divides(value: int) -> int:
    if BUCKETS % value:
        raise ValueError(f"must divide {BUCKETS}: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60")
    return value


class Bus(_Part):
    """The bus: embedded in the data folder, or a Kafka cluster where `kafka` names one.

    Partition counts are fixed when the data folder is made, or at `warn init`. Without Kafka there is one process, so one
    partition of each will do; on Kafka they are how far each stage can be spread.
    """

    mentions: Annotated[int, Field(ge=1, le=BUCKETS), AfterValidator(_divides)] = 1
    signals: Annotated[int, Field(ge=1, le=BUCKETS)] = 1
    collect: Annotated[int, Field(ge=1, le=BUCKETS)] = 1
    """Over how many partitions the connectors are spread."""
    max_gb: Annotated[float, Field(ge=0.1, le=100_000)] = 16.0
    """Above this, records are kept shorter than their usual days; Kafka keeps to days alone."""
    kafka: KafkaSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _more_partitions_on_kafka(cls, given: object) -> object:
        if isinstance(given, Mapping) and given.get("kafka") is not None:
            return dict.fromkeys(("mentions", "signals", "collect"), KAFKA_PARTITIONS) | dict(given)
        return given

    @model_validator(mode="after")
    def _one_process_collects_once(self) -> Self:
        if self.kafka is None and self.collect != 1:
            raise ValueError("collect is 1 without bus.kafka: one process runs all connectors")
        return self


class RouteSettings(_Part):
    """Whom incidents go to: these notifiers, tried in this order; of these brands (none: all) and severities."""

    notifiers: Annotated[tuple[str, ...], Field(min_length=1)]
    brands: tuple[str, ...] = ()
    severities: tuple[Literal["page", "ticket", "digest"], ...] = ("page",)
    pages_per_hour: Annotated[int, Field(ge=1, le=60)] = 2


def _address(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or any(c.isspace() for c in parts.geturl())
    ):
        raise ValueError("must be an address of a monitor that begins with https:// or http://")
    return value


def _office(value: str) -> str:
    """A page that anybody may read says whom to write to: no telephone number, and no name beside the address."""
    parts = urlsplit(value)
    local, at, host = value.partition("@")
    mail = (
        at
        and local
        and "." in host.strip(".")
        and not any(c in value for c in " /:,;<>()[]")
        and "@" not in host
    )
    web = (
        parts.scheme == "https"
        and parts.hostname
        and not parts.username
        and not any(c.isspace() for c in value)
    )
    if not mail and not web:
        raise ValueError(
            "must be a mail address or a web address (https://) of an office, such as privacy@acme.example: the public "
            "page shows it to everybody"
        )
    return value


def _seconds(value: object) -> object:
    return duration(value.replace(" ", "")) if isinstance(value, str) and value[-1:].isalpha() else value


class HeartbeatSettings(_Part):
    """Outside monitors that ring when they have not heard from warn: a dead man's switch. Two are better than one."""

    urls: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_address)], ...], Field(min_length=1, max_length=4)
    ]
    """Addresses that are asked for (GET) while warn hears and can page; whoever knows one can keep it quiet."""
    every: Annotated[float, Field(ge=60, le=600), BeforeValidator(_seconds)] = 60.0
    """Seconds, or a text such as `60 s`; canaries come through once a minute."""
    inside: Inside = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for url in self.urls:
            check_reachable(url.get_secret_value(), self.inside)
        return self


class Settings(BaseSettings):
    """Everything that `warn run` needs to know besides the rules."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        secrets_dir_missing="ok",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data: Path = Path("data")
    """Folder of the bus and of the hash key."""
    rules: Path = Path("rules")
    """Folder of the rule files."""
    hash_key: SecretStr | None = None
    """The secret that authors and posts are hashed with; made in the data folder where it is not given."""
    connectors: Annotated[dict[Name, ConnectorSettings], BeforeValidator(_named)] = {}
    notifiers: Annotated[dict[Name, NotifierConfig], BeforeValidator(_named)] = {}
    routes: dict[Name, RouteSettings] = {}
    """Without any, one route takes everything to all notifiers, in the order in which they are written."""
    contact: Annotated[str, StringConstraints(max_length=200), AfterValidator(_office)] | None = None
    """Whom the public page (`warn report --public`) tells people to ask: an address of an office, never of a person."""
    heartbeat: HeartbeatSettings | None = None
    web: Web = Web()
    log: Log = Log()
    bus: Bus = Bus()

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        for name, route in self.routes.items():
            for notifier in route.notifiers:
                if notifier not in self.notifiers:
                    known = ", ".join(self.notifiers) or "none"
                    raise ValueError(f"routes.{name}: there is no notifier {notifier!r}; there are: {known}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, secrets, file. The plain secrets source would leave nested keys out in silence.

        The file comes in as the argument `_file`, so that it can rank last.
        """
        given = dict(cast(InitSettingsSource, init_settings).init_kwargs)
        from_file = given.pop("_file", {})
        return (
            InitSettingsSource(settings_cls, given),
            env_settings,
            NestedSecretsSettingsSource(file_secret_settings),
            InitSettingsSource(settings_cls, from_file),
        )
