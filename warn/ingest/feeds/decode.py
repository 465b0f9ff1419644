"""Which characters the bytes of a feed stand for: what it says of itself, and what holds.

Feeds are wrong about their encoding more often than about anything else. Valid UTF-8 that is not plain ASCII is UTF-8,
whatever is claimed, since no other encoding looks like it by chance.
"""

import codecs
import re
from encodings.aliases import aliases
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""The longer ones first: one of UTF-32 begins with one of UTF-16."""
_BARE: Final = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_KNOWN: Final = {
    **{f"iso8859_{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{
        f"cp{n}": f"cp{n}"
        for n in (866, 874, 932, 949, 950, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)
    },
    **{name: name for name in ("koi8_r", "koi8_u", "big5", "euc_jp", "gb18030", "mac_roman", "utf_8")},
    # As browsers have it: what is called by the smaller name is written in the larger one.
    "latin_1": "cp1252",
    "ascii": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
"""By the name of Python's module. UTF-7 and the like, in which a `<` may look like anything, are not among them."""
for _name in {*_KNOWN.values(), *(name for _, name in (*_BOMS, *_BARE))}:
    codecs.lookup(_name)  # loaded here, since the child that decodes can open no file
_DECLARED: Final = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._:-]{1,40})["']"""
)
_HEAD: Final = 1_024


def decode(data: bytes, charset: str = "") -> str:
    """The text of a feed. `charset`: what HTTP calls it."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    head = data.lstrip(b" \t\r\n")[:8]
    for begins, name in _BARE:
        if head.startswith(begins):
            return data.decode(name, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.search(data[:_HEAD])
    names = [charset, declared.group(1).decode() if declared else ""]
    for name in names:
        if (codec := _codec(name)) and codec not in {"utf_8", "cp1252"}:
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    return _western(data, any(_codec(name) not in {None, "utf_8"} for name in names))


def _western(data: bytes, claimed: bool) -> str:
    """UTF-8 in which a few bytes are broken, or the encoding of western Europe."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    others = len(text) - len(text.encode("ascii", "ignore")) - broken
    if broken <= others // 10 and not claimed:
        return text
    return data.decode("cp1252", "replace")


def _codec(name: str) -> str | None:
    """Python's name of a codec that is called so, if it is one of ours."""
    plain = name.strip().strip("\"'").lower().replace("-", "_").replace(" ", "_")
    return _KNOWN.get(aliases.get(plain, plain))
