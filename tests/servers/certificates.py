"""Certificates for test servers, made with openssl: an authority of our own, and what it signs."""

import ipaddress
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.waiting import PATIENCE_SECONDS

# Made in no time, as a key of RSA is not.
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments],
        check=True,
        cwd=folder,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )


def make_authority(folder: Path) -> Path:
    """Writes ca.pem and ca.key."""
    folder.mkdir(parents=True, exist_ok=True)
    subject = ["-subj", "/CN=Letterbox test authority", "-keyout", "ca.key", "-out", "ca.pem"]
    extensions = ["-addext", "basicConstraints=critical,CA:TRUE"]
    extensions += ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    _openssl(folder, "req", "-x509", *NEW_KEY, "-days", "60", *subject, *extensions)
    return folder / "ca.pem"


def make_certificate(folder: Path, name: str, hosts: Sequence[str], *, days: int = 30) -> Path:
    """Writes NAME.pem and NAME.key, signed by the authority in the same folder.

    `days` of -1: it ended yesterday (openssl takes no less).
    """
    names = ",".join(f"IP:{host}" if _is_address(host) else f"DNS:{host}" for host in hosts)
    (folder / f"{name}.cnf").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n"
        "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n"
    )
    files = ["-keyout", f"{name}.key", "-out", f"{name}.csr"]
    _openssl(folder, "req", *NEW_KEY, *files, "-subj", f"/CN={hosts[0]}")
    authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    result = ["-days", str(days), "-extfile", f"{name}.cnf", "-out", f"{name}.pem"]
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *authority, *result)
    (folder / f"{name}.key").chmod(0o600)
    return folder / f"{name}.pem"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
