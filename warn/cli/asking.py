"""Asking the running daemon over its web API: what `warn incidents`, `connectors` and `report` have in common."""

from pathlib import Path
from typing import Annotated, Any

import typer

from warn.cli.live import config_file
from warn.model.errors import PermanentError, Reason, TemporaryError

Url = Annotated[
    str | None, typer.Option("--url", help="Where the daemon's web is.", show_default="from the settings")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file of the daemon.", show_default="warn.yaml")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


def ask(url: str | None, config: Path | None, path: str, *, missing: str = "") -> Any:
    """What the running daemon says to a GET. `missing`: what a 404 means. Raises WarnError that says what to do."""
    import httpx2

    from warn.app.address import address
    from warn.settings import load

    base = (url or address(load(config_file(config)).settings)).rstrip("/")
    try:
        with httpx2.Client(timeout=5.0, trust_env=False, follow_redirects=False) as client:
            answer = client.get(base + path)
    except (httpx2.ConnectError, httpx2.TimeoutException):
        raise TemporaryError(
            f"no daemon answers at {base}. Start one with `warn run`, or say where it is with --url",
            reason=Reason.NETWORK,
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as e:
        raise PermanentError(f"{base} cannot be asked: {e}", reason=Reason.NETWORK) from None
    if answer.status_code == 404 and missing:
        raise PermanentError(missing, reason=Reason.GONE)
    if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
        raise PermanentError(
            f"{base} answered with status {answer.status_code}, and not as a warn would. Is it one?",
            reason=Reason.CLIENT,
        )
    return answer.json()
