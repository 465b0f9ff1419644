"""Where the daemon of these settings is to be found from this machine."""

from warn.settings import Settings


def address(settings: Settings) -> str:
    """Its web, as a URL without a slash at the end."""
    web = settings.web
    host = "127.0.0.1" if web.host in ("", "0.0.0.0", "::") else web.host  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{web.port}" if ":" in host else f"http://{host}:{web.port}"
