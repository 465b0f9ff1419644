"""Reads all sources of settings, and tells every mistake with its place and what has no effect.

The place, not the line itself: secrets may stand in it, and what is told ends in logs.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from warn.rulefile.document import Document, read
from warn.settings.model import PREFIX, Settings
from warn.settings.secret import SettingsError, refuse_open_file, refuse_open_secrets, secret_files

NOT_SETTINGS: Final = frozenset({"WARN_CONFIG", "WARN_SECRETS_DIR", "WARN_SHARED"})
"""Variables of ours that say where settings are, not what they are."""
SECRETS_DIR: Final = Path("/run/secrets")


class Loaded(NamedTuple):
    """The settings, and what was found that has no effect: probably misspelt, so it is said."""

    settings: Settings
    warnings: tuple[str, ...]


def load(config: Path | None = None, arguments: Mapping[str, object] | None = None) -> Loaded:
    """Read all sources. `arguments` come from the command line and count first.

    Raises `SettingsError` with every mistake and its place.
    """
    environ = os.environ
    document = _file(config)
    given_dir = environ.get("WARN_SECRETS_DIR")
    folder = Path(given_dir) if given_dir else SECRETS_DIR
    if given_dir and not folder.is_dir():
        raise SettingsError([f"WARN_SECRETS_DIR: {folder} is not a folder"])
    refuse_open_secrets(folder)
    given: dict[str, Any] = {"_secrets_dir": folder, "_file": document.data or {}, **(arguments or {})}
    try:
        settings = Settings(**given)
    except ValidationError as e:
        raise SettingsError(list(_mistakes(e, document, environ, folder))) from None
    if config is not None:
        refuse_open_file(config, document.data, settings)
    return Loaded(settings, (*_unknown_variables(environ), *_unknown_secrets(folder)))


def _file(config: Path | None) -> Document:
    if config is None:
        return Document(file="", lines=[], data={})
    try:
        body = config.read_bytes()
    except OSError as e:
        raise SettingsError([f"{config}: cannot be read: {e.strerror}"]) from None
    document = read(str(config), body)
    if document.data is not None and not isinstance(document.data, dict):
        document.add((1, 1), "settings are a mapping, `key: value`")
    if document.failed:
        raise SettingsError([p.headline() for p in document.problems])
    return document


def _known(name: str) -> bool:
    top = name.lower().removeprefix(PREFIX.lower()).split("__", 1)[0]
    return top in Settings.model_fields


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and name.upper() not in NOT_SETTINGS and not _known(name):
            yield f"{name} has no effect: there is no such setting"


def _unknown_secrets(folder: Path) -> Iterator[str]:
    for path in secret_files(folder):
        if not _known(path.name):
            yield f"{path} has no effect: there is no such setting"


def _mistakes(
    error: ValidationError, document: Document, environ: Mapping[str, str], folder: Path
) -> Iterator[str]:
    variables = {name.upper(): name for name in environ}
    files = {path.name.upper(): path for path in secret_files(folder)}
    for one in error.errors(include_url=False, include_input=False):
        loc = one["loc"]
        if loc[:1] == ("notifiers",) and len(loc) > 3:
            loc = (*loc[:2], *loc[3:])  # without the name of the alternative that pydantic puts in
        shown = ".".join(str(step) for step in loc)
        message = _plain(one["type"], one["msg"], str(loc[-1]) if loc else "")
        upper = PREFIX + "__".join(str(step).upper() for step in loc)
        if upper in variables:
            yield f"{variables[upper]} (environment): {message}"
        elif upper in files:
            yield f"{files[upper]}: {message}"
        elif document.file and (loc in document.values or (loc and loc[:1] in document.keys)):
            document.problems.clear()
            document.add(document.at(loc, key=one["type"] == "extra_forbidden"), f"{shown}: {message}")
            yield document.problems[0].headline()
        else:
            yield f"{shown}: {message}"


def _plain(kind: str, message: str, key: str) -> str:
    if kind == "extra_forbidden":
        return f"there is no setting `{key}` here"
    if kind == "missing":
        return "is missing"
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
