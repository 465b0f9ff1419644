"""Certificates with something wrong with them, and an authority of our own that the machine trusts meanwhile."""

import atexit
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, Literal

from warn.outbound import client

Flaw = Literal["expired", "not yet valid", "another name", "self-signed", "nobody's"]
_CURVE: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_OURS: Final = "subjectAltName=IP:127.0.0.1,DNS:localhost"
_NAMES: Final = {"another name": "subjectAltName=DNS:elsewhere.example"}
_DATES: Final = {
    "expired": ("20200101000000Z", "20200102000000Z"),
    "not yet valid": ("20990101000000Z", "20990102000000Z"),
}
_AUTHORITY: Final = """[ca]
default_ca = own
[own]
new_certs_dir = .
database = index
rand_serial = yes
default_md = sha256
default_days = 2
unique_subject = no
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


@cache
def authority(whose: str) -> Path:
    """A folder with an authority, `ca.pem`; gone when the process is."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _openssl(
        folder,
        "req",
        "-x509",
        *_CURVE,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        f"/CN={whose}",
    )
    (folder / "index").touch()
    (folder / "ca.conf").write_text(_AUTHORITY)
    return folder


@cache
def flawed(flaw: Flaw) -> ssl.SSLContext:
    """TLS with a certificate by our authority that has one flaw; `nobody's` is signed by an authority that is not ours."""
    folder = authority(flaw if flaw == "nobody's" else "ours")
    key, certificate = f"{flaw}.key", f"{flaw}.pem"
    asked = ("-keyout", key, "-subj", "/CN=localhost", "-addext", _NAMES.get(flaw, _OURS))
    if flaw == "self-signed":
        _openssl(folder, "req", "-x509", *_CURVE, *asked, "-out", certificate, "-days", "2")
    else:
        _openssl(folder, "req", "-new", *_CURVE, *asked, "-out", "asked.pem")
        first, last = _DATES.get(flaw, ("", ""))
        dates = ("-startdate", first, "-enddate", last) if first else ()
        _openssl(
            folder, "ca", "-batch", "-notext", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key",
            *dates, "-in", "asked.pem", "-out", certificate,
        )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / certificate, folder / key)
    return context


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)


@contextmanager
def trusting() -> Iterator[None]:
    """Our own authority, as this machine's are."""
    before = client.TRUST

    def trust() -> ssl.SSLContext:
        context = before()
        context.load_verify_locations(authority("ours") / "ca.pem")
        return context

    client.TRUST = trust
    try:
        yield
    finally:
        client.TRUST = before
