"""From the bytes of a file to its sections: which language it is, and how it is decoded."""

import re

from django.utils.translation import gettext as _

from incoming_email.config_files import ruby, yaml_sections
from incoming_email.config_files.types import ConfigFile, UnreadableConfig

MAX_FILE_BYTES = 2_000_000
_RUBY = re.compile(r"^[ \t]*(?:gitlab_rails[ \t]*\[|external_url[ \t])", re.MULTILINE)


def read(content: bytes, *, filename: str, environment: str) -> ConfigFile:
    """The sections about mailboxes. Raises UnreadableConfig."""
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableConfig(_("The file is too large to be a configuration of GitLab."))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UnreadableConfig(
            _("The file is not text in UTF-8. Save it as UTF-8 and load it again.")
        ) from None
    if _is_ruby(text, filename):
        return ruby.read_sections(text)
    return yaml_sections.read_sections(text, environment=environment)


def _is_ruby(text: str, filename: str) -> bool:
    if filename.endswith(".rb"):
        return True
    return not filename.endswith((".yml", ".yaml")) and bool(_RUBY.search(text))
