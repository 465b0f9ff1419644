"""What a Slack message or event says, as an item or as words on why it is none. Pure; nothing about people is kept."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from warn.model.mention import Item

MOST_TEXT: Final = 20_000
MOST_PARTS: Final = 2_000
MOST_FILES: Final = 20
_SAID: Final = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})
"""Subtypes in which somebody says something; the others are notices of Slack's own (who joined, what was pinned)."""
_CLOSED: Final = frozenset({"im", "mpim", "group", "app_home"})
_UNSAID: Final = frozenset({"actions", "input", "image", "video", "file"})
"""Blocks that are to be pressed or looked at."""
_ANGLED: Final = re.compile(r"<([^<>]{0,3000})>")


class Left(NamedTuple):
    """No mention, and why. `odd`: it should have been one, so it is put aside; else it is an ordinary thing to leave."""

    why: str
    odd: bool = False


def read_event(
    envelope: Mapping[str, Any], *, source: str, channels: Collection[str] | None, bots: bool = False
) -> Item | Left:
    """One delivery of the Events API. `channels`: those that may be read, None for all that are public."""
    event = envelope.get("event")
    if not isinstance(event, dict):
        return Left("a delivery without an event", odd=True)
    kind = _word(event, "type")
    if kind == "app_rate_limited":
        return Left("Slack held events back in this minute; they are read again from the history")
    if kind not in {"message", "app_mention"}:
        return Left("a reaction or another event in which nothing is said")
    if _word(event, "channel_type") in _CLOSED:
        return Left("direct messages and private channels are not read")
    channel = _word(event, "channel")
    if channels is not None and channel not in channels:
        return Left("a channel that the settings do not name")
    subtype = _word(event, "subtype")
    if subtype == "message_replied":
        return Left("it tells of a reply, which comes as a message of its own")
    if subtype == "message_deleted":
        return _delete(source, channel, event)
    if subtype == "message_changed":
        return _edit(source, channel, event, bots)
    return read_message(event, source=source, channel=channel, bots=bots)


def read_message(message: Mapping[str, Any], *, source: str, channel: str, bots: bool = False) -> Item | Left:
    """One message, as the history has it, too."""
    subtype, ts = _word(message, "subtype"), _word(message, "ts")
    if subtype == "tombstone":
        return _item(source, channel, ts, ts, kind="delete")
    if subtype not in _SAID:
        return Left("a notice of Slack's own")
    if not bots and (subtype == "bot_message" or message.get("bot_id")):
        return Left("a bot said it")
    root = _word(message, "thread_ts")
    answers = root if root not in {"", ts} else ""
    return _item(
        source, channel, ts, ts, kind="message", author=_word(message, "user"), text=text_of(message), root=answers
    )  # fmt: skip


def edit_of(message: Mapping[str, Any], *, source: str, channel: str) -> Item | None:
    """The edit that a message of the history has been through, if it has."""
    edited = message.get("edited")
    when = _word(edited, "ts") if isinstance(edited, dict) else ""
    if not when:
        return None
    found = _item(
        source, channel, _word(message, "ts"), when,
        kind="edit", author=_word(message, "user"), text=text_of(message),
    )  # fmt: skip
    return found if isinstance(found, Item) else None


def _edit(source: str, channel: str, event: Mapping[str, Any], bots: bool) -> Item | Left:
    message, before = event.get("message"), event.get("previous_message")
    if not isinstance(message, dict):
        return Left("a change without its message", odd=True)
    if not bots and (message.get("bot_id") or _word(message, "subtype") == "bot_message"):
        return Left("a bot said it")
    if _word(message, "subtype") == "tombstone":
        return _item(source, channel, _word(message, "ts"), _word(event, "ts"), kind="delete")
    text = text_of(message)
    if isinstance(before, dict) and _word(message, "ts") and text == text_of(before):
        return Left("a change of its looks")  # a preview of a link that was added, a reply that was counted
    when = _word(event, "ts") or _word(event, "event_ts")
    return _item(
        source, channel, _word(message, "ts"), when, kind="edit", author=_word(message, "user"), text=text
    )


def _delete(source: str, channel: str, event: Mapping[str, Any]) -> Item | Left:
    when = _word(event, "event_ts") or _word(event, "ts")
    return _item(source, channel, _word(event, "deleted_ts"), when, kind="delete")


def _item(
    source: str, channel: str, ts: str, when: str, *, kind: str, author: str = "", text: str = "", root: str = ""
) -> Item | Left:  # fmt: skip
    created = ms(when)
    if created is None or ms(ts) is None:
        return Left(f"a {kind} without a time (ts)", odd=True)
    if not channel:
        return Left(f"a {kind} without a channel", odd=True)
    thread = f"{channel}:{root}" if ms(root) is not None else None
    return Item(
        source=source,
        id=f"{channel}:{ts}",
        created_ms=created,
        kind=kind,
        author=author or None,
        text=None if kind == "delete" else text,
        thread=thread,
        reply_to=thread,
    )


def ms(ts: str) -> int | None:
    """Milliseconds of a Slack time, which is seconds, a dot and six digits; None for what is none."""
    whole, _, part = ts.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 11 and int(whole)):
        return None
    if part and not (part.isascii() and part.isdigit()):
        return None
    return int(whole) * 1000 + int((part + "000")[:3])


def at(ts: str) -> tuple[int, str]:
    """Orders times: by the millisecond, then by the digits behind the dot, which tell apart what came together."""
    return ms(ts) or 0, ts.partition(".")[2]


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says: its text, else its blocks, else what it carries along; and the titles of its files."""
    said = plain(_word(message, "text")) or " ".join(_blocks(message.get("blocks")))
    parts = [said]
    if not said.strip():
        for one in _dicts(message.get("attachments")):
            kept = [plain(_word(one, key)) for key in ("pretext", "title", "text")]
            parts += kept if any(kept) else [plain(_word(one, "fallback"))]
    for one in _dicts(message.get("files")):
        parts.append(_word(one, "title") or _word(one, "name"))
    return "\n".join(part for part in parts if part.strip())[:MOST_TEXT]


def plain(marked: str) -> str:
    """Text without Slack's marks: links as themselves behind their words, people and addresses left out."""
    if "<" in marked:
        marked = _ANGLED.sub(_unmarked, marked[: 2 * MOST_TEXT])
    return marked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _unmarked(found: re.Match[str]) -> str:
    target, _, label = found.group(1).partition("|")
    if target.startswith(("@", "mailto:")):
        return ""
    if target.startswith("#"):
        return f"#{label}" if label else ""
    if target.startswith("!"):
        return label if target.startswith("!date") else ""
    return target if not label or label in target else f"{label} {target}"


def _blocks(blocks: object) -> Iterator[str]:
    """Texts in blocks, in order. Bounded, since blocks hold blocks."""
    waiting: list[object] = [one for one in reversed(_dicts(blocks)) if one.get("type") not in _UNSAID]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        one = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one[:MOST_PARTS])
        elif isinstance(one, dict):
            inner = one.get("text")
            if isinstance(inner, str):
                text = plain(inner) if one.get("type") == "mrkdwn" else inner.strip()
                if text:
                    yield text
            waiting += [one.get("fields"), one.get("elements"), inner if isinstance(inner, dict) else None]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value[:MOST_FILES] if isinstance(one, dict)] if isinstance(value, list) else []


def _word(of: Mapping[str, Any], key: str) -> str:
    value = of.get(key)
    return value if isinstance(value, str) else ""
