"""Signatures by the vectors of the services' own documentation, and everything that must not pass for one."""

import base64
import hashlib
import hmac

import pytest

from warn.ingest.connector import Call
from warn.ingest.push.handshake import answer_get, answer_graph, answer_slack
from warn.ingest.push.signatures import Seal, key_of, same_state, verify

BODY = b'{"a":1}'
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OF_2026 = 1_767_225_600.0


def call(headers: dict[str, str], body: bytes = BODY, at: float = 1_700_000_000.0) -> Call:
    return Call("POST", {}, headers, body, at)


VECTORS = {
    "meta": call(
        {"x-hub-signature-256": "sha256=aa9e2e3575f5d7098b6caccd790888c36d5fdb63342a73bada2d6a51747a8494"}
    ),
    "x": call({"x-twitter-webhooks-signature": "sha256=qp4uNXX11wmLbKzNeQiIw21f22M0KnO62i1qUXR6hJQ="}),
    "zendesk": call(
        {
            "x-zendesk-webhook-signature": "bRv+be5tsJ7uop4nqB8R6pAwaQ6tFE8tNdgT6Bmguh8=",
            "x-zendesk-webhook-signature-timestamp": "2026-01-01T00:00:00Z",
        },
        at=OF_2026,
    ),
    "linkedin": call({"x-li-signature": "f2d9a5026c4b83880f40f6453d1467f17be0e906ea8841d7ba8a4560f8220fd6"}),
    "slack": call(
        {
            "x-slack-signature": "v0=7d06e4dcbb54167f0033658ac8c45abe35b1fa257ff38a448e290762b595f902",
            "x-slack-request-timestamp": "1700000000",
        }
    ),
    "standard": call(
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        b'{"test": 2432232314}',
        1_614_265_330.0,
    ),
    "pagerduty": call(
        {"x-pagerduty-signature": "v1=" + hmac.new(b"secret", BODY, hashlib.sha256).hexdigest()}
    ),
    "telegram": call({"x-telegram-bot-api-secret-token": "secret"}),
    "token": call({"authorization": "Bearer secret"}),
}
TIMED = {"standard": "webhook-timestamp", "slack": "x-slack-request-timestamp",
         "zendesk": "x-zendesk-webhook-signature-timestamp"}  # fmt: skip


def seal(scheme: str, *secrets: str) -> Seal:
    own = WHSEC if scheme == "standard" else "secret"
    return Seal(scheme, tuple(key_of(scheme, one) for one in secrets or (own,)))


@pytest.mark.parametrize("scheme", VECTORS)
def test_the_vectors_of_the_services(scheme: str) -> None:
    verified = verify(seal(scheme), VECTORS[scheme])
    assert verified.why == ""
    assert verified == verify(seal(scheme), VECTORS[scheme])


@pytest.mark.parametrize("scheme", VECTORS)
def test_another_key_no_key_and_an_old_key(scheme: str) -> None:
    other = "whsec_" + base64.b64encode(b"b" * 24).decode() if scheme == "standard" else "other-secret"
    own = WHSEC if scheme == "standard" else "secret"
    assert verify(seal(scheme, other), VECTORS[scheme]).why
    assert verify(Seal(scheme), VECTORS[scheme]).why
    # While it is changed both count; then the old one does not.
    assert verify(seal(scheme, other, own), VECTORS[scheme]).why == ""
    assert verify(seal(scheme, own, other), VECTORS[scheme]).why == ""


@pytest.mark.parametrize("scheme", VECTORS)
def test_every_bit_counts(scheme: str) -> None:
    """Of the signature, and where it is signed of the body."""
    genuine = VECTORS[scheme]
    for name, value in genuine.headers.items():
        for place in range(len(value)):
            for bit in range(7):
                changed = value[:place] + chr(ord(value[place]) ^ (1 << bit)) + value[place + 1 :]
                if changed.lower() == value.lower() and name == "authorization" and place < 6:
                    continue  # the word Bearer, in which capitals do not matter
                forged = genuine._replace(headers={**genuine.headers, name: changed})
                assert verify(seal(scheme), forged).why, (name, changed)
    if scheme not in {"telegram", "token"}:
        for place in range(len(genuine.body) * 8):
            body = bytearray(genuine.body)
            body[place // 8] ^= 1 << place % 8
            assert verify(seal(scheme), genuine._replace(body=bytes(body))).why


@pytest.mark.parametrize("scheme", VECTORS)
def test_a_header_that_is_not_there(scheme: str) -> None:
    genuine = VECTORS[scheme]
    for name in genuine.headers:
        left = {key: value for key, value in genuine.headers.items() if key != name}
        why = verify(seal(scheme), genuine._replace(headers=left)).why
        assert name in why
        assert verify(seal(scheme), genuine._replace(headers={**left, name: ""})).why


@pytest.mark.parametrize("scheme", TIMED)
def test_five_minutes_either_way(scheme: str) -> None:
    genuine = VECTORS[scheme]
    for late in (-300, -299, 0, 299, 300):
        assert verify(seal(scheme), genuine._replace(at=genuine.at + late)).why == ""
    for late, word in ((301, "behind"), (-301, "ahead"), (600, "behind")):
        why = verify(seal(scheme), genuine._replace(at=genuine.at + late)).why
        assert word in why
        assert "clock" in why
    # A forged one says nothing about clocks.
    forged = genuine._replace(at=genuine.at + 600, body=b"{}")
    assert "clock" not in verify(seal(scheme), forged).why


def sign(scheme: str, stamp: str, name: str = "msg_1") -> Call:
    """Signed with the right key over whatever stands there."""
    if scheme == "standard":
        key, text = key_of("standard", WHSEC), f"{name}.{stamp}.".encode() + BODY
        mac = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        return call({"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": mac})
    mac = "v0=" + hmac.new(b"secret", f"v0:{stamp}:".encode() + BODY, hashlib.sha256).hexdigest()
    return call({"x-slack-signature": mac, "x-slack-request-timestamp": stamp})


@pytest.mark.parametrize("scheme", ["standard", "slack"])
@pytest.mark.parametrize(
    "stamp",
    [
        "١٧٠٠٠٠٠٠٠٠",
        "17000000०0",
        "1700000000.0",
        "+1700000000",
        "-1",
        "1e9",
        " 1700000000",
        "0x6553f100",
        "9" * 40,
        "²",
    ],
)
def test_a_time_that_is_none(scheme: str, stamp: str) -> None:
    """Well signed, and yet no time: digits of other scripts, signs, exponents."""
    assert verify(seal(scheme), sign(scheme, "1700000000")).why == ""
    assert verify(seal(scheme), sign(scheme, stamp)).why


def test_an_id_with_a_dot_in_it_could_be_two_things() -> None:
    for name in ("msg.1", ".", "msg_1.1700000000", "a" * 257):
        assert verify(seal("standard"), sign("standard", "1700000000", name)).why


def test_one_of_several_signatures_will_do() -> None:
    for scheme, header, between in (
        ("standard", "webhook-signature", " "),
        ("pagerduty", "x-pagerduty-signature", ","),
    ):
        genuine = VECTORS[scheme]
        right = genuine.headers[header]
        for several in (
            f"v1a,AAAA{between}{right}",
            f"{right}{between}v9,zzz",
            between.join([right[:-3] + "AA=", right]),
        ):
            assert (
                verify(seal(scheme), genuine._replace(headers={**genuine.headers, header: several})).why == ""
            )
        many = between.join([right[:-3] + "AA="] * 16 + [right])
        assert verify(seal(scheme), genuine._replace(headers={**genuine.headers, header: many})).why


def test_a_token_may_be_a_password() -> None:
    basic = "Basic " + base64.b64encode(b"warn:secret").decode()
    assert verify(seal("token"), call({"authorization": basic})).why == ""
    assert verify(seal("token"), call({"x-warn-token": "secret"})).why == ""
    other = Seal("token", (b"secret",), "x-brandwatch-token")
    assert verify(other, call({"x-brandwatch-token": "secret"})).why == ""
    for value in (
        "Basic !",
        "Digest secret",
        "secret",
        "Bearer",
        "Basic " + base64.b64encode(b"secret").decode(),
    ):
        assert verify(seal("token"), call({"authorization": value})).why


def test_what_services_ask_first() -> None:
    def get(scheme: str, **query: str) -> tuple[int, bytes]:
        told = {key.replace("__", "."): value for key, value in query.items()}
        reply = answer_get(seal(scheme), "verify-me", Call("GET", told, {}, b"", 0.0))
        return (0, b"") if reply is None else (reply.status, reply.body)

    assert get("x", crc_token="abc") == (
        200, b'{"response_token":"sha256=mUba1OAOkT/Ivo5dP34RCkqegy+D+wnDRShdeGONig4="}')  # fmt: skip
    answer = "9946dad4e00e913fc8be8e5d3f7e110a4a9e832f83fb09c345285d78638d8a0e"
    told = f'{{"challengeCode":"abc","challengeResponse":"{answer}"}}'
    assert get("linkedin", challengeCode="abc") == (200, told.encode())
    meta = {"hub__mode": "subscribe", "hub__challenge": "1158201444"}
    assert get("meta", **meta, hub__verify_token="verify-me") == (200, b"1158201444")
    assert get("meta", **meta, hub__verify_token="verify-m") == (403, b"not ours\n")
    assert get("meta", **meta)[0] == 403
    assert get("standard", crc_token="abc") == (0, b"")
    assert (
        answer_slack(seal("slack"), {"type": "url_verification", "challenge": "3eZbrw1a"}).body == b"3eZbrw1a"
    )
    assert answer_slack(seal("slack"), {"type": "event_callback", "challenge": "3eZbrw1a"}) is None
    asked = Call("POST", {"validationToken": "Validation: Testing client application"}, {}, b"", 0.0)
    assert answer_graph(seal("graph"), asked).body == b"Validation: Testing client application"
    assert answer_graph(seal("meta"), asked) is None


def test_nobody_can_have_a_call_signed_by_asking() -> None:
    """X and LinkedIn have us sign a word with the secret of their calls: no word that could be one is signed."""
    for word in ('{"a":1}', "[]", 'hmacsha256={"a":1}', "hmacsha256=abc", " ", "", '"', "a" * 513, "\u0661"):
        for scheme, key in (("x", "crc_token"), ("linkedin", "challengeCode")):
            if scheme == "x" and word == "hmacsha256=abc":
                continue  # no JSON, so no call of X's
            reply = answer_get(seal(scheme), None, Call("GET", {key: word}, {}, b"", 0.0))
            assert reply.status == 400, (scheme, word)
    for number in ("1", "-1.5e3", "0", "null", "true", "1" * 500):
        reply = answer_get(seal("x"), None, Call("GET", {"crc_token": number}, {}, b"", 0.0))
        assert reply.status == 400, number
    assert (
        answer_graph(seal("graph"), Call("POST", {"validationToken": "<script>"}, {}, b"", 0.0)).status == 400
    )


def test_the_state_of_microsoft_graph() -> None:
    assert same_state((b"secret",), ["secret", "secret"])
    for states in ([], ["secret", "other"], [None], ["sécret"], [1]):
        assert not same_state((b"secret",), states)


@pytest.mark.parametrize("secret", ["", "short", "with\nbreak", "é" * 10, "a" * 513])
def test_a_secret_that_is_none_is_not_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="a secret is") as caught:
        key_of("meta", secret)
    assert not secret or secret not in str(caught.value)
    with pytest.raises(ValueError, match="24 to 64"):
        key_of("standard", "whsec_" + secret)
