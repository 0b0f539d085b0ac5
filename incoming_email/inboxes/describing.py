"""Servers and their faults in words, without secrets."""

import smtplib

MAX_MESSAGE = 500

EXPIRED = 10
UNTRUSTED = frozenset({18, 19, 20, 21})
WRONG_NAME = frozenset({62, 64})
"""OpenSSL's X509_V_ERR codes; untrusted are self-signed, and an issuer that isn't known here."""


def name_server(host: str, port: int) -> str:
    """`host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def describe_error(error: BaseException, *secrets: str) -> str:
    """The server's message, without these secrets."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        message = f"{error.smtp_code} {text}"
    else:
        message = str(error) or type(error).__name__
    for secret in filter(None, secrets):
        message = message.replace(secret, "[password]")
    return message[:MAX_MESSAGE]
