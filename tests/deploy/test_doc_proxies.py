"""The reverse proxies of the docs, the real ones, before the web processes."""

import http.client
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import Installation
from tests.servers.certificates import make_authority, make_certificate
from tests.servers.dovecot import free_ports
from tests.servers.programs import require_program
from tests.waiting import PATIENCE_SECONDS, can_connect, wait_until

NGINX = take_block("docs/deploying.md", "server {")
CADDY = take_block("docs/deploying.md", "letterbox.example.com {")
HOST = "letterbox.example.com"
LOGIN = "/account/login/"
CLIENT = "127.0.0.2"
"""An address of this machine that no proxy has."""

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_authority(folder)
    make_certificate(folder, "server", [HOST])
    return folder


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    made = Installation(
        folder / "data",
        BASE_URL=f"https://{HOST}",
        TRUSTED_PROXIES="127.0.0.1",
        LOGIN_FAILURE_LIMIT="3",
    )
    made.set_up()
    (made.port,) = free_ports(1)
    line = f"{read_procfile_lines()['web']} --bind 127.0.0.1:{made.port}"
    with made.running_lines({"web": line}, log=folder / "log"):
        wait_until(lambda: can_connect(made.port))
        yield made


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request, web, certificates, tmp_path) -> Iterator["Proxy"]:
    require_program(request.param)
    clear, sealed = free_ports(2)
    start = start_nginx if request.param == "nginx" else start_caddy
    with start(tmp_path, certificates, web.port, clear, sealed):
        wait_until(lambda: can_connect(clear) and can_connect(sealed))
        yield Proxy(certificates / "ca.pem", clear, sealed)


@contextmanager
def start_nginx(folder: Path, certificates: Path, web: int, clear: int, sealed: int):
    block = NGINX.text.replace("/etc/letterbox/fullchain.pem", f"{certificates}/server.pem")
    block = block.replace("/etc/letterbox/privkey.pem", f"{certificates}/server.key")
    block = block.replace("127.0.0.1:8000", f"127.0.0.1:{web}")
    block = re.sub(r"listen 80;", f"listen 127.0.0.1:{clear};", block)
    block = re.sub(r"listen 443 ", f"listen 127.0.0.1:{sealed} ", block)
    paths = "".join(f"{each}_temp_path {folder};" for each in ("proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}; {paths}\n{block} }}\n"
    )
    with running(["nginx", "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"], folder):
        yield


@contextmanager
def start_caddy(folder: Path, certificates: Path, web: int, clear: int, sealed: int):
    """With our certificate, since none is given to a name that is nobody's."""
    tls = f"tls {certificates}/server.pem {certificates}/server.key\n    bind 127.0.0.1\n"
    block = CADDY.text.replace("127.0.0.1:8000", f"127.0.0.1:{web}").replace("{\n", f"{{\n{tls}", 1)
    ports = f"http_port {clear}\nhttps_port {sealed}\nadmin off\n"
    (folder / "Caddyfile").write_text(
        f"{{\n{ports}}}\n{block}\nhttp://{HOST} {{\n"
        f"bind 127.0.0.1\nredir https://{{host}}{{uri}} permanent\n}}\n"
    )
    with running(["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"], folder):
        yield


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[None]:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "output").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


class Proxy:
    def __init__(self, ca_file: Path, clear: int, sealed: int) -> None:
        self.clear = clear
        self.sealed = sealed
        self._tls = ssl.create_default_context(cafile=ca_file)

    def ask(self, method: str, path: str, *, form=None, cookies="", **headers: str):
        """From CLIENT, by TLS."""
        plain = socket.create_connection(
            ("127.0.0.1", self.sealed), timeout=PATIENCE_SECONDS, source_address=(CLIENT, 0)
        )
        connection = http.client.HTTPConnection(HOST)
        connection.sock = self._tls.wrap_socket(plain, server_hostname=HOST)
        named = {"Cookie": cookies, "Referer": f"https://{HOST}{LOGIN}", **headers}
        if form:
            named["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body=urlencode(form) if form else None, headers=named)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer


def ask_in_clear(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("GET", path, headers={"Host": HOST, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_pages_are_by_tls_and_in_clear_lead_there(proxy, web):
    page = proxy.ask("GET", LOGIN)
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    led = ask_in_clear(proxy.clear, f"{LOGIN}?next=/a")
    assert led.headers["Location"] == f"https://{HOST}{LOGIN}?next=/a"
    behind = ask_in_clear(web.port, f"{LOGIN}?next=/a")
    assert (behind.status, behind.headers["Location"]) == (301, f"https://{HOST}{LOGIN}?next=/a")
    assert ask_in_clear(web.port, "/health/?only=database").status == 200
    assert ask_in_clear(web.port, "/metrics").status == 403
    other = ask_in_clear(web.port, LOGIN, **{"X-Forwarded-Proto": "https", "Host": "evil.com"})
    assert other.status == 400


def test_failed_log_ins_are_counted_by_the_client_whatever_it_says(proxy, web):
    web.manage("axes_reset")
    said = []
    for number in range(4):
        page = proxy.ask("GET", LOGIN)
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[:1]
        form = {"csrfmiddlewaretoken": token, "login": "ada", "password": "x"}
        claimed = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-Ip": "203.0.113.9"}
        said.append(proxy.ask("POST", LOGIN, form=form, cookies=cookie, **claimed).status)
    assert said == [200, 200, 429, 429]
    assert web.query("SELECT group_concat(DISTINCT ip_address) FROM axes_accessattempt") == CLIENT
