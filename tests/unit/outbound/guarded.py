"""A network that notes down what is dialled, and lets none of it through."""

from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2

from warn.outbound import Outbound
from warn.outbound.guard import Guard


class Noting(httpcore2.AsyncNetworkBackend):
    """What stands behind the guard instead of the machine's network."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        raise httpcore2.ConnectError("this is a test")


class Names:
    """A name server: each question gets the next answer, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def noting(out: Outbound) -> Noting:
    """Put a noting network behind this client's guard."""
    network = Noting()
    guard: Guard = out._guard
    guard._net = network  # type: ignore[assignment]
    return network


def secrets_in(error: BaseException, secrets: Iterable[str]) -> list[str]:
    """Which of these stand anywhere in an error, in what led to it, or in how it is shown."""
    found, waiting, seen = set[str](), [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        said = f"{one} {one!r} {one.args} {vars(one)}"
        found |= {secret for secret in secrets if secret in said}
        waiting += [e for e in (one.__cause__, one.__context__) if e is not None]
    return sorted(found)
