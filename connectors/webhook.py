"""Whatever sends to us: a signed call, and a mapping that says what in its JSON is a mention or a reading."""

from collections.abc import Mapping as Map
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from pydantic import BeforeValidator, Field, SecretStr, model_validator

from warn.ingest.config import ConnectorConfig, Words
from warn.ingest.connector import Batch, Call, Reply
from warn.ingest.kind import Kind
from warn.ingest.push.body import BodyError, parse
from warn.ingest.push.generic import take
from warn.ingest.push.handshake import answer_get, answer_graph, answer_slack
from warn.ingest.push.mapped import CrowdedError, Terms, apply
from warn.ingest.push.mapping import Conditions, Mapping
from warn.ingest.push.shipped import guarded, names, shipped
from warn.ingest.push.signatures import Scheme, Seal, key_of, same_state, verify
from warn.model.mention import COUNTS_ONLY, Counted

MAPPINGS: Final = Path(__file__).with_name("mappings")
OURS: Final = "warn"
_JSON: Final = "application/json"
_SHOWN: Final = 5
_HEADER: Final = r"^[A-Za-z0-9-]{1,64}$"
_OTHER_HEADER: Final = ("meta", "token")


def _mapping(raw: object) -> object:
    """One by name; `warn` is none at all."""
    if isinstance(raw, str):
        return OURS if raw == OURS else shipped(MAPPINGS, raw)
    return raw if raw is None or isinstance(raw, Mapping) else Mapping.model_validate(raw)


def _listed(raw: object) -> object:
    return (raw,) if isinstance(raw, str | SecretStr) else raw


def _networks(raw: object) -> object:
    found = _listed(raw)
    for one in found if isinstance(found, list | tuple) else ():
        ip_network(str(one))
    return found


class WebhookConfig(ConnectorConfig):
    """Calls come to `/in/<name>`.

    `scheme`: how they are signed. `secrets`: any of them will do, so that one can be changed; the first answers what a
    service asks. `verify_token`: what Meta asks with. `header`: the token or signature stands in another header
    (`token`, `meta`). `mapping`: a shipped one by name, or one written here; by default that of the service that signs so.
    `warn`, the default of the other schemes: the body is of our own form.
    `topic`, `signal`: of readings that do not say it. `only`: conditions that all elements have to meet.
    `unsigned`: nothing is signed (`scheme: none`), with the `reason`, and only from this machine and `addresses`.
    """

    type: Literal["webhook"] = "webhook"
    scheme: Scheme = "standard"
    secrets: Annotated[tuple[SecretStr, ...], BeforeValidator(_listed)] = Field(default=(), max_length=8)
    verify_token: SecretStr | None = None
    header: str | None = Field(default=None, pattern=_HEADER)
    mapping: Annotated[Any, BeforeValidator(_mapping)] = None
    topic: str | None = Field(default=None, min_length=3, max_length=200)
    signal: Counted = "care"
    only: Conditions = ()
    unsigned: bool = False
    reason: Words | None = None
    addresses: Annotated[tuple[str, ...], BeforeValidator(_networks)] = Field(default=(), max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _guarded(cls, raw: object) -> object:
        return guarded(raw, MAPPINGS, named=str(raw.get("scheme")) if isinstance(raw, Map) else "")

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.scheme == "none":
            if not (self.unsigned and self.reason):
                raise ValueError(
                    "scheme none: anybody who gets here could make things up; it needs `unsigned: true` and a `reason`"
                )
        elif self.unsigned or self.addresses:
            raise ValueError("`unsigned` and `addresses` go with `scheme: none` alone")
        elif not self.secrets:
            raise ValueError(f"scheme {self.scheme} needs `secrets`: a list, so that one can be changed")
        if self.header and self.scheme not in _OTHER_HEADER:
            raise ValueError(f"`header` goes with scheme {' or '.join(_OTHER_HEADER)} alone")
        if self.verify_token and self.scheme != "meta":
            raise ValueError("`verify_token` goes with scheme meta alone")
        self.seal()
        return self

    def reads_by(self) -> Mapping | None:
        """The mapping in force; None: the body is of our own form."""
        if isinstance(self.mapping, Mapping):
            return self.mapping
        shows = self.mapping is None and self.scheme in names(MAPPINGS)
        return shipped(MAPPINGS, self.scheme) if shows else None

    def seal(self) -> Seal:
        """How its calls are told to be genuine. Raises ValueError."""
        keys = () if self.scheme == "none" else self.secrets
        return Seal(
            self.scheme,
            tuple(key_of(self.scheme, one.get_secret_value()) for one in keys),
            (self.header or "").lower(),
            tuple(ip_network(one) for one in self.addresses),
        )


class WebhookConnector:
    """Decides about one call at a time, and remembers nothing."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._seal = config.seal()
        self._mapping = config.reads_by()
        token = config.verify_token
        self._verify_token = token.get_secret_value() if token else None
        settings = {"signal": config.signal, **({"topic": config.topic} if config.topic else {})}
        self._terms = Terms(
            config.name, config.origin, config.only, keeps=config.role not in COUNTS_ONLY, settings=settings
        )

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def source(self) -> str:
        return self._config.origin

    def receive(self, call: Call) -> Reply:
        """401 before anything is parsed; 400 for what is no JSON of ours; 200 for what was understood, refused or not."""
        if call.method == "GET":
            return answer_get(self._seal, self._verify_token, call) or _no(
                405, "a GET that asks nothing we know"
            )
        if call.method != "POST":
            return _no(405, "neither GET nor POST")
        if (asked := answer_graph(self._seal, call)) is not None:
            return asked
        verified = verify(self._seal, call)
        if verified.why:
            return _no(401, verified.why)
        try:
            body = parse(call.body)
        except BodyError as e:
            return _no(400, str(e))
        if self._seal.scheme == "graph" and not same_state(self._seal.keys, _states(body)):
            return _no(401, "a clientState that is not ours")
        if (asked := answer_slack(self._seal, body)) is not None:
            return asked
        return self._take(call, body, verified.once, self._terms._replace(undated=not verified.same))

    def _take(self, call: Call, body: Any, once: str, terms: Terms) -> Reply:
        mapping = self._mapping
        try:
            if mapping is None:
                batch = take(body, call.at, terms)
            else:
                batch, named = apply(mapping, body, call.at, terms)
                once = named or once
        except CrowdedError as e:
            return _no(413, str(e))
        if mapping is None and batch.refused and not batch.items and not batch.readings:
            return Reply(status=400, body=_told(batch), content_type=_JSON, why=batch.refused[0].message)
        return Reply(batch, body=_told(batch), content_type=_JSON, once=once)


def _no(status: int, why: str) -> Reply:
    """Whoever is not known to us is told no more than that."""
    told = {401: "not genuine", 405: "not allowed"}.get(status, why)
    return Reply(status=status, body=f"{told}\n".encode(), why=why)


def _told(batch: Batch) -> bytes:
    """What became of it: numbers, and the first reasons, which quote nothing."""
    told: dict[str, Any] = {
        "mentions": len(batch.items),
        "readings": len(batch.readings),
        "refused": len(batch.refused),
    }
    if batch.refused:
        told["why"] = sorted({one.message for one in batch.refused[:100]})[:_SHOWN]
    return msgspec.json.encode(told)


def _states(body: Any) -> list[object]:
    rows = body.get("value") if isinstance(body, Map) else None
    return (
        [row.get("clientState") if isinstance(row, Map) else None for row in rows]
        if isinstance(rows, list)
        else []
    )


KIND = Kind(WebhookConfig, WebhookConnector)
