"""A certificate authority of the tests' own, for servers that speak TLS."""

import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

CURVE = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def openssl(folder, *args):
    """Run openssl in a folder."""
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def make_authority(folder, server_names, kind=CURVE):
    """Fill a folder with `ca.pem`, and `.pem` and `.key` of a `server` and a `client`.

    `server_names` are the server's, as openssl writes them: `DNS:etcd.test,IP:127.0.0.1`.
    `kind` is that of the keys. Skips the test where there is no openssl.
    """
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder.mkdir(exist_ok=True)
    key = ("-newkey", *kind, "-nodes")
    openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=test authority", "-days", "2",
    )  # fmt: skip
    for name, names in (("server", server_names), ("client", "DNS:client")):
        (folder / "names").write_text(f"subjectAltName={names}\n")
        openssl(
            folder, "req", *key, "-keyout", f"{name}.key", "-out", "csr", "-subj", f"/CN={name}"
        )
        openssl(
            folder, "x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", "names",
        )  # fmt: skip
    return folder


_SIGNING = """[ca]
default_ca = x
[x]
database = ./index
new_certs_dir = .
policy = y
unique_subject = no
default_md = sha256
rand_serial = yes
[y]
commonName = supplied
"""


def renew(folder, name, seconds):
    """Give the key of this name another certificate, which ends in so many seconds; returns when.

    The file is replaced, as renewing programs do.
    """
    (folder / "signing").write_text(_SIGNING)
    (folder / "index").touch()
    (folder / "names").write_text(f"subjectAltName=DNS:{name}\n")
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=seconds)
    openssl(folder, "req", "-new", "-key", f"{name}.key", "-out", "csr", "-subj", f"/CN={name}")
    openssl(
        folder, "ca", "-batch", "-notext", "-config", "signing", "-cert", "ca.pem", "-keyfile",
        "ca.key", "-in", "csr", "-out", "made.pem", "-extfile", "names", "-startdate",
        "20200101000000Z", "-enddate", end.strftime("%Y%m%d%H%M%SZ"),
    )  # fmt: skip
    (folder / "made.pem").replace(folder / f"{name}.pem")
    return end


def client_files(authority):
    """The options of a sink that shows the client's certificate."""
    return {"client_cert": authority / "client.pem", "client_key": authority / "client.key"}
