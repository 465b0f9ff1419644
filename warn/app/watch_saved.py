"""What `warn watch --save` leaves behind: the rule file that was used, and settings with which `warn run` listens on."""

import io
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from warn.app.screen import this_command
from warn.model.errors import PermanentError, Reason

SUFFIX: Final = ".settings.yaml"
"""Of settings that lie beside a rule file: who reads a folder of rules leaves them out (`rulefile.load`)."""
_HEAD: Final = """\
# Settings for `warn run --config {name}`: it listens where `warn watch` did, by the rule file beside this one.
# docs/operations.md and docs/connectors.md explain what else can be set.
"""
_SECOND: Final = """\
# The rule file is live, and what is to wake somebody needs two notifiers of different providers (docs/notifying.md).
# Put a second one into `notifiers`, such as
#   pager: {type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
# or write `mode: shadow` in the rule file to begin without: warn then judges, and wakes nobody.
"""


class Saved(NamedTuple):
    """The two files, and whether a page has the two ways out that it needs."""

    rules: Path
    settings: Path
    wakes: bool

    def next_words(self) -> list[str]:
        """How to go on, as commands that work in this shell."""
        config = shlex.quote(str(self.settings))
        if self.wakes:
            needed = "It pages to its terminal and to your address."
        else:
            needed = (
                f"First put a second notifier into {self.settings}, which says how, or write `mode: shadow` in "
                f"{self.rules}: then it judges, and wakes nobody."
            )
        what = (
            f"The rule file is {self.rules}, and settings with which a daemon listens to the same places are"
        )
        return [
            f"{what} {self.settings}. To go on without this terminal:",
            f"  {this_command()} run --config {config}",
            f"{needed} What is still missing, and what each place brings, say",
            f"  {this_command()} doctor --config {config}",
        ]


def save(
    rules: Path, text: str, connectors: Mapping[str, Mapping[str, object]], hook: Mapping[str, object] | None
) -> Saved:
    """Write both. `connectors`: settings by name; `hook`: those of a second notifier, with its secret.

    Raises PermanentError where one of the files is there already, or cannot be written.
    """
    saved = Saved(rules, rules.with_name(rules.stem + SUFFIX), wakes=hook is not None)
    for path in saved[:2]:
        if path.exists():
            raise PermanentError(f"{path} is there already; name another file", reason=Reason.CONFIG)
    _write(saved.rules, text, 0o666)
    _write(saved.settings, _settings(saved, connectors, hook), 0o600)
    return saved


def _settings(
    saved: Saved, connectors: Mapping[str, Mapping[str, object]], hook: Mapping[str, object] | None
) -> str:
    """Whole paths, so that it works from wherever it is started."""
    notifiers: dict[str, object] = {"screen": {"type": "console"}}
    if hook is not None:
        notifiers["hook"] = dict(hook)
    plain = {
        "rules": str(saved.rules.absolute()),
        "data": str(saved.rules.with_name(saved.rules.stem + "-data").absolute()),
        "connectors": {name: dict(one) for name, one in connectors.items()},
        "notifiers": notifiers,
    }
    return _HEAD.format(name=saved.settings.name) + ("" if saved.wakes else _SECOND) + _yaml(plain)


def _yaml(plain: Mapping[str, object]) -> str:
    class Plain(SafeRepresenter):
        """Without anchors, which settings may not have."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Representer = Plain
    yaml.default_flow_style, yaml.width, yaml.sort_base_mapping_type_on_output = False, 10_000, False
    out = io.StringIO()
    yaml.dump(plain, out)
    return out.getvalue()


def _write(path: Path, text: str, mode: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as e:
        raise PermanentError(f"{path} cannot be written: {e.strerror}", reason=Reason.CONFIG) from None
