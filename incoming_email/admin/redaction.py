"""Addresses and texts of mail without the keys and tokens in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from incoming_email.models import Mailbox
from incoming_email.parsing.addresses import (
    ELLIPSIS,
    AddressTemplate,
    InvalidTemplate,
    parse_template,
    redact_address,
    redact_key,
)
from issues.admin.redaction import redact_text
from issues.bearer_secrets import cut_secrets

ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]{1,100}@[^\s<>()\[\],;:\"]{1,253}")
"""Bounded in both parts, so that the time grows with the length of the text and no faster."""

CUT = re.compile(rf".{{0,4}}{ELLIPSIS}")
REPLY_ID = re.compile(r"\breply-([0-9a-z]{8,64})(?=@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows the addresses of every mailbox, so it is made once a page."""

    templates: tuple[AddressTemplate, ...]

    @classmethod
    def load(cls) -> Self:
        addresses = Mailbox.objects.order_by("pk").values_list("address", flat=True)
        found = [template for text in addresses if (template := _find_template(text)) is not None]
        return cls(tuple(template for template in found if template.has_key))

    def redact(self, text: str) -> str:
        """Cut whatever looks like a secret of ours to its first four characters, and what is one
        though a mail program has broken or wrapped it. The latter asks the database, so it comes
        last, when hardly anything is left to be asked for."""
        known = ADDRESS.sub(self._redact_match, text)
        cut = redact_text(REPLY_ID.sub(lambda match: f"reply-{redact_key(match[1])}", known))
        return cut_secrets(cut)[0]

    def _redact_match(self, match: re.Match[str]) -> str:
        """What the trace holds is cut already, and would lose the rest of its key here."""
        keys = [template.find_key(match[0]) for template in self.templates]
        is_cut = any(key is not None and CUT.fullmatch(key) for key in keys)
        return match[0] if is_cut else redact_address(match[0], self.templates)

    def redact_step(self, step: Mapping[str, object]) -> dict[str, str]:
        return {name: self.redact(str(value)) for name, value in step.items()}


def _find_template(text: str) -> AddressTemplate | None:
    try:
        return parse_template(text)
    except InvalidTemplate:
        return None
