"""Secrets: files that only their owner may read, and the one that warn makes for itself."""

import os
import secrets as randomness
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import Secret, SecretStr

from warn.model.errors import PermanentError, Reason
from warn.settings.model import PREFIX, Settings

KEY_FILE: Final = "hash.key"


class SettingsError(PermanentError):
    """Settings that cannot be used; every mistake is a line of its own with its place."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes), reason=Reason.CONFIG)


def secret_files(folder: Path) -> Iterator[Path]:
    """Files of ours in the folder of secrets; others' secrets may lie beside them."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.lower().startswith(PREFIX.lower()):
            yield path


def refuse_open_secrets(folder: Path) -> None:
    """Raises `SettingsError` for secrets that others can read, and for links that would be left out in silence."""
    mistakes = []
    for path in secret_files(folder):
        try:
            mode = path.stat().st_mode
        except OSError as e:
            mistakes.append(f"{path}: cannot be read: {e.strerror}")
            continue
        if mode & stat.S_IROTH:
            mistakes.append(
                f"{path}: everybody on this machine can read this secret; run: chmod o-rwx {path}"
            )
        if not path.resolve().is_relative_to(folder.resolve()):
            mistakes.append(f"{path}: the link leads out of {folder}; put the secret itself there")
    if mistakes:
        raise SettingsError(mistakes)


def refuse_open_file(path: Path, said: object, settings: Settings) -> None:
    """Raises `SettingsError` for a settings file that everybody can read where a secret stands in it. `said`: what it says."""
    if not path.stat().st_mode & stat.S_IROTH:
        return
    written = {text.rstrip("/") for text in _texts(said)}
    if any(secret.rstrip("/") in written for secret in _secrets(settings.model_dump())):
        raise SettingsError(
            [f"{path}: everybody on this machine can read the secrets in it; run: chmod o-rwx {path}"]
        )


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, Mapping | list | tuple):
        for one in said.values() if isinstance(said, Mapping) else said:
            yield from _texts(one)


def _secrets(settings: object) -> Iterator[str]:
    if isinstance(settings, SecretStr | Secret):
        yield str(settings.get_secret_value())
    elif isinstance(settings, Mapping | list | tuple):
        for one in settings.values() if isinstance(settings, Mapping) else settings:
            yield from _secrets(one)


def hash_key(settings: Settings) -> bytes:
    """The secret that people are hashed with: as given, else from the data folder, where it is made once.

    Losing it loses the link between old counts and new ones; anybody who has it can test guesses at authors.
    """
    if settings.hash_key is not None:
        return _as_key(settings.hash_key.get_secret_value(), "hash_key")
    path = settings.data / KEY_FILE
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & (stat.S_IRWXO | stat.S_IRWXG):
            raise SettingsError([f"{path}: others can read this secret; run: chmod 600 {path}"])
        return _as_key(path.read_text("ascii").strip(), str(path))
    except OSError as e:
        raise SettingsError([f"{path}: {e.strerror}"]) from None


def _make_key(path: Path) -> None:
    """Under another name first: a key of which half was written would never be a key. Who is second takes the first's."""
    made = path.with_name(f".{KEY_FILE}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(randomness.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(made)
    except FileExistsError:
        pass
    finally:
        made.unlink()


def _as_key(text: str, where: str) -> bytes:
    """The keyed hash takes 64 bytes at most; fewer than 16 could be tried out."""
    key = text.encode("utf-8", "replace")
    if not 16 <= len(key) <= 64:
        raise SettingsError([f"{where}: a key has 16 to 64 bytes, this has {len(key)}"])
    return key
