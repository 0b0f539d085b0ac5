"""Settings that send by a server of a test."""

from contextlib import contextmanager

from tests.servers.scripted_smtp import running_smtp


def send_by(settings, port, *, exchange=5):
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_TIMEOUT, settings.EMAIL_EXCHANGE_SECONDS = exchange, exchange


@contextmanager
def smtp_in_use(settings, *, exchange=5, **fields):
    with running_smtp(**fields) as server:
        send_by(settings, server.port, exchange=exchange)
        yield server
