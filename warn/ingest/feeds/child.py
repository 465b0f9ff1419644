"""The process in which feeds are read: bytes in, JSON out, little memory, no files, and a limit on each piece of work.

The limit is on the processor's time, and the process dies of it by a signal of its own (SIGPROF): how long a feed takes by
the clock says more about the machine than about the feed. A piece of work is `<II`, the lengths of a header (JSON: `charset`, `cpu_s`) and of a body, then both. The answer is `<I` and JSON:
what `parse` says, or `{"hostile": why}` or `{"unreadable": why}`.
"""

import json
import resource
import signal
import sys
from typing import Any, BinaryIO, Final

import msgspec

from warn.ingest.feeds.framing import ANSWER, WORK
from warn.ingest.feeds.parse import HostileError, UnreadableError, parse

MEMORY: Final = 512 * 1024 * 1024
_WARM: Final = (
    (
        b"<rss version='2.0'><channel><title>w</title><item><title>a &lt;b&gt;b&lt;/b&gt;</title><link>http://x.example/</link>"
        b"<pubDate>Mon, 01 Jan 2024 00:00:00 CEST</pubDate></item><item><title>b</title><pubDate>1 Janvier 2024</pubDate>"
        b"</item></channel></rss>"
    ),
    (
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>w</title><entry><title>a</title><id>x</id>"
        b"<updated>2024-01-01T00:00:00Z</updated><content type='html'>&lt;p&gt;x</content></entry></feed>"
    ),
    b"<rss><channel><item><title>broken</item>",
)


def main() -> int:
    """Until nobody has any work."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # one that was ignored by whoever started us would stay so
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for feed in _WARM:
        answer(feed, "")  # whatever is loaded late is loaded now
    # From here on nothing can be opened: no file, no socket, whatever a feed may ask for.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    work, answers = sys.stdin.buffer, sys.stdout.buffer
    _say(answers, {"ready": True})
    while head := work.read(WORK.size):
        header_size, size = WORK.unpack(head)
        header = json.loads(work.read(header_size))
        body = work.read(size)
        signal.setitimer(signal.ITIMER_PROF, float(header["cpu_s"]))
        said = answer(body, str(header.get("charset", "")))
        signal.setitimer(signal.ITIMER_PROF, 0)
        _say(answers, said)
    return 0


def answer(body: bytes, charset: str) -> dict[str, Any]:
    """What is said of a feed."""
    try:
        return parse(body, charset)
    except HostileError as e:
        return {"hostile": str(e)}
    except UnreadableError as e:
        return {"unreadable": str(e)}
    except MemoryError:
        return {"hostile": "it takes too much memory"}


def _say(answers: BinaryIO, said: dict[str, Any]) -> None:
    data = msgspec.json.encode(said)
    answers.write(ANSWER.pack(len(data)) + data)
    answers.flush()


if __name__ == "__main__":
    raise SystemExit(main())
