"""An HTTP server for tests: keeps what is posted to it, and answers as it is told."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Webhook:
    answers: list[int] = field(default_factory=list)
    """Status of each answer in turn; 204 when they are used up."""

    bodies: list[dict[str, object]] = field(default_factory=list)
    url: str = ""


@contextmanager
def running_webhook():
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.bodies.append(json.loads(body))
            self.send_response(webhook.answers.pop(0) if webhook.answers else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook.url = f"http://127.0.0.1:{server.server_port}/hook?token=s3cret"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
