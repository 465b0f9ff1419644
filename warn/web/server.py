"""The HTTP server, inside the daemon's own event loop and without signal handlers of its own."""

import contextlib
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from warn.model.errors import PermanentError, Reason
from warn.web.patience import PatientProtocol

_GRACE_S: Final = 2
MOST_CONNECTIONS: Final = 500
"""Beyond it requests are answered with 503; a process may usually have 1,024 files open."""


class _QuietServer(uvicorn.Server):
    """uvicorn's own would take SIGINT and SIGTERM away from the daemon, and raise them again at its end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Server:
    """Serves an application on one socket. The socket is bound at once, so that a taken port is known early."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = _bind(host, port)
        self.host: str = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_GRACE_S,
            h11_max_incomplete_event_size=16_384,
        )
        self._server = _QuietServer(config)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """Take no more requests; open ones get two seconds."""
        self._server.should_exit = True

    def close(self) -> None:
        """Let go of the socket if it was never served."""
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind((host, port))
    except OSError as e:
        s.close()
        why = e.strerror or str(e)
        raise PermanentError(
            f"cannot listen on {host} port {port}: {why}. Another warn may be running; choose another port",
            reason=Reason.CONFIG,
        ) from None
    s.set_inheritable(True)
    return s
