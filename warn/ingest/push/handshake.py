"""What services ask before they send anything, and what they have to hear.

Two of them have us sign a word of theirs with the very secret that signs their calls. Whoever may choose the word could
have us sign a call: so words are let through that can be no JSON, and no beginning of what is signed.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

import msgspec

from warn.ingest.connector import Call, Reply
from warn.ingest.push.body import BodyError, parse
from warn.ingest.push.signatures import Seal

_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_OF_X: Final = _LETTERS | frozenset("-_=+/.")
_OF_LINKEDIN: Final = _LETTERS | frozenset("-")
MOST_WORD: Final = 512
MOST_TOKEN: Final = 2_048
_JSON: Final = "application/json"


def answer_get(seal: Seal, verify_token: str | None, call: Call) -> Reply | None:
    """What a GET of the service asks; None where it asks nothing that we know."""
    query = call.query
    if seal.scheme == "meta" and "hub.challenge" in query:
        return _meta(verify_token, query)
    if seal.scheme == "x" and "crc_token" in query:
        word = query["crc_token"]
        if not _is_word(word, _OF_X) or _is_json(word):
            return Reply(status=400, body=b"no crc_token\n", why="a crc_token that could be a call")
        mac = hmac.new(seal.keys[0], word.encode(), hashlib.sha256).digest()
        return _json({"response_token": "sha256=" + base64.b64encode(mac).decode()})
    if seal.scheme == "linkedin" and "challengeCode" in query:
        word = query["challengeCode"]
        if not _is_word(word, _OF_LINKEDIN):
            return Reply(status=400, body=b"no challengeCode\n", why="a challengeCode that could be a call")
        mac = hmac.new(seal.keys[0], word.encode(), hashlib.sha256).digest()
        return _json({"challengeCode": word, "challengeResponse": mac.hex()})
    return None


def _meta(verify_token: str | None, query: Mapping[str, str]) -> Reply:
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    ours = (verify_token or "").encode()
    if not hmac.compare_digest(given, ours) or not ours or query.get("hub.mode") != "subscribe":
        return Reply(
            status=403, body=b"not ours\n", why="hub.verify_token is not the verify_token of the settings"
        )
    challenge = query["hub.challenge"]
    if not _is_word(challenge, _OF_X):
        return Reply(status=400, body=b"no hub.challenge\n", why="a hub.challenge that is no word")
    return Reply(body=challenge.encode())


def answer_graph(seal: Seal, call: Call) -> Reply | None:
    """Microsoft Graph asks in the address of a POST, before there is any secret; its word comes back as plain text."""
    if seal.scheme != "graph" or "validationToken" not in call.query:
        return None
    word = call.query["validationToken"]
    if not 0 < len(word) <= MOST_TOKEN or not word.isascii() or not word.isprintable() or "<" in word:
        return Reply(status=400, body=b"no validationToken\n", why="a validationToken that is no word")
    return Reply(body=word.encode())


def answer_slack(seal: Seal, body: object) -> Reply | None:
    """Slack asks in a signed POST."""
    if seal.scheme != "slack" or not isinstance(body, dict) or body.get("type") != "url_verification":
        return None
    word = body.get("challenge")
    if not isinstance(word, str) or not _is_word(word, _OF_X):
        return Reply(status=400, body=b"no challenge\n", why="a challenge that is no word")
    return Reply(body=word.encode())


def _is_word(word: str, letters: frozenset[str]) -> bool:
    return 0 < len(word) <= MOST_WORD and letters.issuperset(word)


def _is_json(word: str) -> bool:
    """Whether it would do for the body of a call: a number and `null` are words of these letters, too."""
    try:
        parse(word.encode())
    except BodyError:
        return False
    return True


def _json(content: Mapping[str, str]) -> Reply:
    return Reply(body=msgspec.json.encode(content), content_type=_JSON)
