"""Fixtures of the parsing tests: the sample messages, byte for byte."""

from pathlib import Path

import pytest

from incoming_email.parsing.message import parse

EMAILS = Path(__file__).parents[2] / "emails"


@pytest.fixture
def parse_sample():
    """Parses tests/emails/<name>.eml."""
    return lambda name, **options: parse((EMAILS / f"{name}.eml").read_bytes(), **options)
