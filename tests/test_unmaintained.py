"""Old packages are named by the dates of an index, here one on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import unmaintained

OLD, NEW = "2019-01-02T03:04:05.678901Z", "2999-01-02T03:04:05Z"


def page(*files: tuple[str | None, object]) -> str:
    return json.dumps(
        {"files": [{"upload-time": time, "yanked": yanked} for time, yanked in files]}
    )


PAGES = {
    "old-one": page((OLD, False), (NEW, "broken"), ("2018-01-02T03:04:05Z", False)),
    "new-one": page((OLD, False), (NEW, False)),
    "without-dates": page((None, False)),
    "nonsense": '{"files": 7}',
}


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/simple/").strip("/")
        body = PAGES.get(name, "<a>html</a>").encode()
        kind = self.headers["Accept"] if name in PAGES else "text/html"
        self.send_response(404 if name == "missing" else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/simple"
        monkeypatch.setenv("PIP_INDEX_URL", url)
        yield url
        server.shutdown()
        thread.join()


@pytest.fixture
def run(index, monkeypatch, tmp_path, capsys):
    """What it says of these pins, and its exit status."""

    def run(*pins: str) -> tuple[list[str], int]:
        (tmp_path / "requirements.in").write_text("# Old-one==0\n" + "\n".join(pins))
        (tmp_path / "requirements-dev.in").write_text("")
        monkeypatch.setattr(unmaintained, "ROOT", tmp_path)
        status = unmaintained.main()
        return capsys.readouterr().out.splitlines(), status

    return run


def test_a_package_without_a_release_for_two_years_is_named(run):
    assert run("Old_One==1.2 ; python_version < '3'", "new.one==3") == (
        ["Old_One 1.2: no release since 2019-01-02", "2 packages asked for."],
        0,
    )


@pytest.mark.parametrize("name", ["without-dates", "html"])
def test_an_index_without_dates_is_said_to_be_one(run, name):
    said, status = run(f"{name}==1")
    assert (said[0], status) == (f"{name} 1: the index gives no dates", 1)


@pytest.mark.parametrize(
    ("name", "fault"), [("missing", "HTTPError: HTTP Error 404"), ("nonsense", "TypeError: ")]
)
def test_what_is_no_answer_is_told_and_no_fault_of_the_others(run, name, fault):
    said, status = run(f"{name}==1", "old-one==2")
    assert said[0].startswith(f"{name} 1: the index did not answer ({fault}")
    assert (said[1], status) == ("old-one 2: no release since 2019-01-02", 1)


def test_every_pin_is_asked_for():
    for name in unmaintained.PINS:
        lines = (unmaintained.ROOT / name).read_text().splitlines()
        pins = [line for line in lines if line and not line.startswith("#")]
        assert len(unmaintained.PIN.findall("\n".join(pins))) == len(pins)
