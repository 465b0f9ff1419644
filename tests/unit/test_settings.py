"""Settings: which source counts, and that no secret and no mistake is lost in silence."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from warn.settings import KEY_FILE, Settings, SettingsError, hash_key, load

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
YAML = """\
data: /var/lib/warn
notifiers:
  hook: {type: webhook, url: "https://hook.example/in"}
  terminal: {type: console}
routes:
  night: {notifiers: [hook, terminal], severities: [page]}
web:
  port: 9000
"""


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of secrets that the settings look into."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("WARN_SECRETS_DIR", str(folder))
    return folder


def _yaml(tmp_path: Path, text: str = YAML) -> Path:
    path = tmp_path / "warn.yaml"
    path.write_text(text)
    return path


def _secret(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def _mistakes(config: Path | None = None, **arguments: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(config, arguments)
    return str(caught.value).split("\n")


def test_defaults_need_nothing(secrets: Path) -> None:
    """Without any source the daemon listens on this machine only, and tells nobody."""
    settings = load().settings
    assert (settings.web.host, settings.web.port, settings.bus.mentions) == ("127.0.0.1", 8080, 1)
    assert not settings.notifiers
    assert not settings.connectors


def test_arguments_count_before_environment_before_secrets_before_file(
    tmp_path: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key comes from the first source that has it, also inside of a mapping."""
    _secret(secrets, "warn_notifiers__hook__secret", HOOK_SECRET + "\n")
    config = _yaml(tmp_path)
    assert load(config).settings.web.port == 9000
    _secret(secrets, "warn_web__port", "9001")
    assert load(config).settings.web.port == 9001
    monkeypatch.setenv("WARN_WEB__PORT", "9002")
    monkeypatch.setenv("WARN_DATA", "/elsewhere")
    assert load(config).settings.web.port == 9002
    assert load(config).settings.data == Path("/elsewhere")
    settings = load(config, {"data": Path("/argument")}).settings
    assert settings.data == Path("/argument")
    assert settings.web.port == 9002


def test_a_nested_secret_reaches_its_notifier(tmp_path: Path, secrets: Path) -> None:
    """The plain secrets source would leave this file out in silence, and the pager would be mute."""
    _secret(secrets, "warn_notifiers__hook__secret", HOOK_SECRET + "\n")
    hook: Any = load(_yaml(tmp_path)).settings.notifiers["hook"]
    assert hook.secret.get_secret_value() == HOOK_SECRET
    assert str(hook.url.get_secret_value()) == "https://hook.example/in"
    assert hook.name == "hook"


def test_without_that_secret_it_says_what_is_missing(tmp_path: Path, secrets: Path) -> None:
    """A notifier that lacks its secret is a mistake with its place, not a mute pager."""
    [first, *_] = _mistakes(_yaml(tmp_path))
    assert first == f"{tmp_path}/warn.yaml:3:9: notifiers.hook.secret: is missing"


def test_no_secret_is_ever_shown(tmp_path: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings as text nor a mistake beside a secret quotes it."""
    _secret(secrets, "warn_notifiers__hook__secret", HOOK_SECRET)
    monkeypatch.setenv("WARN_HASH_KEY", "canary-canary-canary")
    monkeypatch.setenv("WARN_WEB__RELOAD_TOKEN", "canary-token")
    settings = load(_yaml(tmp_path)).settings
    for shown in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "canary" not in shown
        assert HOOK_SECRET not in shown
    monkeypatch.setenv("WARN_NOTIFIERS__HOOK__SECRET", "canary but not one")
    assert "canary" not in "".join(_mistakes(_yaml(tmp_path)))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_a_secret_that_everybody_can_read_is_refused(secrets: Path, mode: int) -> None:
    """It is no secret any more; the message says how to mend the file."""
    path = _secret(secrets, "warn_hash_key", "k" * 32, mode)
    assert f"chmod o-rwx {path}" in _mistakes()[0]
    path.chmod(0o640)
    assert hash_key(load().settings) == b"k" * 32


def test_a_secret_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path, secrets: Path) -> None:
    """pydantic-settings would skip it without a word."""
    target = _secret(tmp_path, "elsewhere", "k" * 32)
    (secrets / "warn_hash_key").symlink_to(target)
    assert "the link leads out of" in _mistakes()[0]


def test_kubernetes_links_within_the_folder_work(secrets: Path) -> None:
    """A mounted secret is a link to a link within the folder."""
    real = secrets / "..2026_11_01"
    real.mkdir()
    _secret(real, "warn_hash_key", "k" * 32)
    (secrets / "..data").symlink_to(real.name)
    (secrets / "warn_hash_key").symlink_to("..data/warn_hash_key")
    assert hash_key(load().settings) == b"k" * 32


def test_what_has_no_effect_is_said(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable or secret is listed; those of the shell's tools and of others are not."""
    monkeypatch.setenv("WARN_NOTIFER__X", "1")
    monkeypatch.setenv("WARN_SHARED", "1")
    monkeypatch.setenv("WARNING", "1")
    monkeypatch.setenv("WARN_WEB__PORT", "81")
    _secret(secrets, "warn_haskey", "x")
    _secret(secrets, "other_app_password", "x")
    warnings = load().warnings
    assert len(warnings) == 2
    assert warnings[0].startswith("WARN_NOTIFER__X has no effect")
    assert warnings[1].startswith(f"{secrets}/warn_haskey has no effect")


def test_every_mistake_has_its_place(tmp_path: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All mistakes at once: in the file with line and column, in the environment and in secrets by name."""
    config = _yaml(
        tmp_path,
        "web: {prot: 1, host: a}\nbus:\n  mentions: 7\nconnectors:\n  town: {type: simulate, seeed: 3}\nroutes: 4\n",
    )
    monkeypatch.setenv("WARN_WEB__PORT", "high")
    _secret(secrets, "warn_log__level", "loud")
    text = "\n".join(_mistakes(config))
    assert f"{config}:1:7: web.prot: there is no setting `prot` here" in text
    assert f"{config}:3:13: bus.mentions: must divide 60" in text
    assert f"{config}:5:" in text
    assert "there is no setting `seeed` here" in text
    assert f"{config}:6:9: routes: " in text
    assert "WARN_WEB__PORT (environment): " in text
    assert f"{secrets}/warn_log__level: " in text


@pytest.mark.parametrize(
    "rest",
    [
        "}",
        ", hedaer: a}",
        ", header: a b}",
        ", mapping: nobody}",
        ", mapping: [}",
        ", scheme: standard}",
        ", secrets: [b]}",
    ],
)
def test_a_mistake_beside_a_secret_does_not_show_it(tmp_path: Path, secrets: Path, rest: str) -> None:
    """Lines with mistakes in them are not quoted: what is told ends in a log."""
    line = "  hook: {type: webhook, scheme: meta, secrets: [canary-of-ours]" + rest
    if rest == "}":
        line = line.replace("meta", "mate")
    told = _mistakes(_yaml(tmp_path, f"connectors:\n{line}\n"))
    assert told
    assert all(":2:" in one for one in told)
    assert "canary" not in "".join(told)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "settings are a mapping"),
        ("web: [\n", "this is not YAML"),
        ("web: {port: 1}\nweb: {port: 2}\n", "is here twice"),
        ("web: &a {port: 1}\n", "anchor"),
        ("routes: {night: {notifiers: [nobody]}}\n", "there is no notifier 'nobody'"),
        ("connectors: {Town: {type: simulate}}\n", "connectors.Town"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, secrets: Path, text: str, said: str) -> None:
    """Whatever is wrong with the file is said in a sentence."""
    assert said in "\n".join(_mistakes(_yaml(tmp_path, text)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path, secrets: Path) -> None:
    """A settings file that was named and is not there is a mistake."""
    assert "cannot be read: No such file" in _mistakes(tmp_path / "none.yaml")[0]


def test_an_empty_file_is_as_none(tmp_path: Path, secrets: Path) -> None:
    """A file with nothing in it leaves the defaults."""
    assert load(_yaml(tmp_path, "# nothing yet\n")).settings == load().settings


def test_a_folder_of_secrets_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """If one was named it must be there."""
    monkeypatch.setenv("WARN_SECRETS_DIR", "/no/such/folder")
    assert _mistakes() == ["WARN_SECRETS_DIR: /no/such/folder is not a folder"]


class TestHashKey:
    """The secret that people are hashed with."""

    def test_it_is_made_once_and_for_the_owner_only(self, tmp_path: Path, secrets: Path) -> None:
        """The first call makes it, each later one finds it; nobody else can read it."""
        settings = Settings(data=tmp_path / "data")
        key = hash_key(settings)
        path = tmp_path / "data" / KEY_FILE
        assert len(key) == 64
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert hash_key(settings) == key
        assert hash_key(Settings(data=tmp_path / "other")) != key

    def test_one_that_others_can_read_is_refused(self, tmp_path: Path, secrets: Path) -> None:
        """Somebody opened it up: say so instead of going on."""
        settings = Settings(data=tmp_path)
        hash_key(settings)
        (tmp_path / KEY_FILE).chmod(0o644)
        with pytest.raises(SettingsError, match="chmod 600"):
            hash_key(settings)

    @pytest.mark.parametrize("key", ["short", "x" * 65])
    def test_a_key_that_cannot_be_is_refused(self, tmp_path: Path, key: str) -> None:
        """Too short could be tried out, too long cannot be used; the message does not quote it."""
        with pytest.raises(SettingsError, match="16 to 64 bytes") as caught:
            hash_key(Settings(data=tmp_path, hash_key=key))
        assert key not in str(caught.value)

    def test_a_folder_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        """A sentence, not a traceback."""
        (tmp_path / "data").write_text("a file")
        with pytest.raises(SettingsError, match="data"):
            hash_key(Settings(data=tmp_path / "data"))


def test_no_umask_opens_the_key(tmp_path: Path) -> None:
    """Also with a generous umask the key is its owner's alone."""
    before = os.umask(0)
    try:
        hash_key(Settings(data=tmp_path / "d"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "d" / KEY_FILE).stat().st_mode) == 0o600


def test_a_file_with_secrets_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "warn.yaml"
    config.write_text(
        "notifiers:\n  hook: {type: webhook, url: 'https://x.example/in', secret: whsec_%s}\n"
        % ("QUFB" * 10 + "QUE=")
    )
    config.chmod(0o640)
    load(config)
    config.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod o-rwx") as caught:
        load(config)
    assert "QUFB" not in str(caught.value)
    config.write_text("log: {level: info}\n")
    load(config)
