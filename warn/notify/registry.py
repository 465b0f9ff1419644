"""All notifiers: the union of their configs, and the one place that builds them."""

from typing import Annotated, TextIO, assert_never

from pydantic import Field

from warn.notify.console import ConsoleConfig, ConsoleNotifier
from warn.notify.notifier import Notifier
from warn.notify.pagerduty import PagerDutyConfig, PagerDutyNotifier
from warn.notify.webhook import WebhookConfig, WebhookNotifier

NotifierConfig = Annotated[ConsoleConfig | WebhookConfig | PagerDutyConfig, Field(discriminator="type")]
"""Whoever nests this sets `hide_input_in_errors`: pydantic asks the outermost model, else prints secrets."""


def build(config: NotifierConfig, *, stream: TextIO, public_url: str = "") -> Notifier:
    """A notifier of this config. `stream`: the console's; `public_url`: where incident pages are, or ""."""
    match config:
        case ConsoleConfig():
            return ConsoleNotifier(config, stream, public_url=public_url)
        case WebhookConfig():
            return WebhookNotifier(config, public_url=public_url)
        case PagerDutyConfig():
            return PagerDutyNotifier(config, public_url=public_url)
        case _:
            assert_never(config)
