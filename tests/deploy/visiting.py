"""Who speaks to a running Letterbox from outside: by a browser, as a probe, or by mail."""

import http.client
import json
import re
import smtplib
import urllib.parse

MAIL = "From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n{rest}\r\n"


class Visitor:
    """Somebody with a browser, or a probe: asks the web process at its port for `host`."""

    def __init__(self, port: int, *, host: str, is_secure: bool = False) -> None:
        self.port = port
        self.headers = {"Host": host, "Referer": f"http{'s' * is_secure}://{host}/"}
        if is_secure:  # as a reverse proxy that speaks TLS says it
            self.headers["X-Forwarded-Proto"] = "https"
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, **fields: str) -> tuple[int, str]:
        """Status and text; with fields it is a POST. An empty answer where nobody listens yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = urllib.parse.urlencode(fields) if fields else None
        headers = dict(self.headers, Cookie="; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if content:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("POST" if content else "GET", path, content, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def log_in(self, username: str, password: str) -> None:
        self.ask("/account/login/")
        token = self.cookies["csrftoken"]
        status, _ = self.ask(
            "/account/login/", login=username, password=password, csrfmiddlewaretoken=token
        )
        assert status == 302

    @staticmethod
    def find_assets(text: str) -> list[str]:
        """Addresses of styles, scripts and icons that a page asks for."""
        return re.findall(r'(?:src|href)="(/static/[^"?]+)', text)

    def find_health(self, only: str = "") -> dict[str, bool]:
        """What works, by the health page."""
        status, text = self.ask("/health/" + (f"?only={only}" if only else ""))
        checks = json.loads(text)["checks"] if status in {200, 503} else {}
        return {name: check["ok"] for name, check in checks.items()}


def send(port: int, sender: str, recipient: str, subject: str, rest: str = "\r\nHello.") -> None:
    """`rest`: further lines of the header, an empty one, and the body."""
    mail = MAIL.format(sender=sender, recipient=recipient, subject=subject, rest=rest)
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail(sender, [recipient], mail.encode())
