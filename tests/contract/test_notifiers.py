"""Every notifier passes the suite of its kind, against a pager and a webhook receiver on a local port."""

import base64
import io
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from pydantic import HttpUrl, Secret, SecretStr
from standardwebhooks import Webhook

from warn.notify.console import ConsoleConfig
from warn.notify.notifier import Notifier
from warn.notify.pagerduty import PagerDutyConfig
from warn.notify.registry import NotifierConfig, build
from warn.notify.webhook import WebhookConfig
from warn.testing.check_notifier import check_http_notifier, check_notifier
from warn.testing.fake_pager import FakePager

ROUTING_KEY = "c" * 16 + "4n4ryC4N4RY00000"
TOKEN = "t0kenInThePath"
WHSEC = "whsec_" + base64.b64encode(b"a canary of exactly 32 bytes len").decode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def inside(url: str) -> tuple[str, ...]:
    return (urlsplit(url).netloc,)


def pagerduty(pager: FakePager, deadline_s: float) -> NotifierConfig:
    return PagerDutyConfig(
        type="pagerduty",
        routing_key=SecretStr(ROUTING_KEY),
        base_url=HttpUrl(pager.url),
        deadline_s=deadline_s,
        inside=inside(pager.url),
    )


def webhook(pager: FakePager, deadline_s: float) -> NotifierConfig:
    url = Secret(HttpUrl(f"{pager.url}/{TOKEN}"))
    return WebhookConfig(
        type="webhook", url=url, secret=SecretStr(WHSEC), deadline_s=deadline_s, inside=inside(pager.url)
    )


Configure = Callable[[FakePager, float], NotifierConfig]
SECRETS = (ROUTING_KEY, TOKEN, WHSEC, WHSEC.removeprefix("whsec_"))


@pytest.mark.parametrize("configure", [pagerduty, webhook])
async def test_a_notifier_over_http_passes_its_suite(configure: Configure) -> None:
    """Statuses, silence, cut lines, repeats, secrets and closing are as the suite says."""

    def make(pager: FakePager, deadline_s: float) -> Notifier:
        return build(configure(pager, deadline_s), stream=io.StringIO(), public_url="https://warn.example")

    await check_http_notifier(make, secrets=SECRETS)


@pytest.mark.parametrize("configure", [pagerduty, webhook])
async def test_what_it_sends_is_accepted_by_the_place_and_by_the_standard(configure: Configure) -> None:
    """PagerDuty's rules and the standardwebhooks package take every action, hostile text included."""
    async with FakePager(verify=lambda body, headers: Webhook(WHSEC).verify(body, headers)) as pager:
        config = configure(pager, 5.0)
        await check_notifier(lambda: build(config, stream=io.StringIO()), secrets=SECRETS)
        assert not [secret for secret in SECRETS if secret in repr(config) + config.model_dump_json()]


async def test_the_console_passes_its_suite() -> None:
    """It prints each page once, and what strangers wrote stays characters."""
    out = io.StringIO()
    await check_notifier(lambda: build(ConsoleConfig(), stream=out))
    assert "\x1b" not in out.getvalue()
    assert "[bold]" in out.getvalue()
