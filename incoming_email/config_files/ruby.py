"""The lines of a gitlab.rb that set up mailboxes. All other lines are left alone."""

import re
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from incoming_email.config_files.ruby_literals import NotLiteral, read_literal
from incoming_email.config_files.types import (
    PURPOSES,
    ConfigFile,
    Literal,
    Section,
    UnreadableConfig,
    flatten,
)

NAMES = {"email": "user", "mailbox_name": "mailbox", "log_file": "log_path"}
"""Where the package's name differs from that in gitlab.yml."""

_OURS = "|".join(PURPOSES)
_ASSIGNMENT = re.compile(
    r"[ \t]*gitlab_rails[ \t]*\[[ \t]*"
    rf"(?:(?P<quote>['\"])(?P<text>(?:{_OURS})_\w+)(?P=quote)|:(?P<symbol>(?:{_OURS})_\w+))"
    r"[ \t]*\][ \t]*=(?![=~>])"
)
_MENTION = re.compile(rf"\b(?:{_OURS})")
_REST = re.compile(r"[ \t]*;?[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_COMMENT = re.compile(r"(?:\A|[ \t])#.*")
_HEREDOC = re.compile(r"<<[-~]?(['\"]?)([A-Z_][A-Z0-9_]*)\1")
_OPENS = re.compile(
    r"\A[ \t]*(?:if|unless|case|while|until|for|begin|def|class|module)\b(?!:)"
    r"|\bdo(?:[ \t]*\|[^|\n]*\|)?\Z"
)
_CLOSES = re.compile(r"[ \t]*end\b")
_CLOSES_AT_ONCE = re.compile(r"\bend\Z")


@dataclass(slots=True)
class Scan:
    """Where the reading is, and what was found on the way."""

    text: str
    at: int = 0
    line: int = 1
    blocks: list[int] = field(default_factory=list)
    """Line numbers of the blocks that are open."""

    found: dict[str, Literal] = field(default_factory=dict)
    """The last assignment of a name counts, as in Ruby."""

    remarks: list[str] = field(default_factory=list)

    def next_line(self) -> str:
        """The line, without its end, and on to the next."""
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        line = self.text[self.at : end]
        self.move(end + 1)
        return line

    def move(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def line_at(self, position: int) -> int:
        return self.line + self.text.count("\n", self.at, position)


def read_sections(text: str) -> ConfigFile:
    """Raises UnreadableConfig with the number of the line that can't be read."""
    scan = Scan(text)
    while scan.at < len(text):
        match = _ASSIGNMENT.match(text, scan.at)
        if match:
            _read_assignment(scan, match)
        else:
            _pass_line(scan)
    sections = tuple(section for purpose in PURPOSES if (section := _section(purpose, scan.found)))
    if not sections:
        raise UnreadableConfig(
            _("The file has no line such as gitlab_rails['incoming_email_address'] = \"…\".")
        )
    return ConfigFile(sections, tuple(scan.remarks))


def _read_assignment(scan: Scan, match: re.Match[str]) -> None:
    name = match["text"] or match["symbol"]
    if scan.blocks:
        values = {"line": scan.line, "name": name, "block": scan.blocks[-1]}
        raise UnreadableConfig(
            _(
                "Line %(line)d: %(name)s is in a block that begins at line %(block)d. Letterbox"
                " evaluates no Ruby, so move the line out of the block."
            )
            % values
        )
    try:
        read = read_literal(scan.text, match.end())
    except NotLiteral as fault:
        raise _not_literal(name, scan.line_at(fault.position)) from None
    rest = _REST.match(scan.text, read.end)
    if rest is None:
        raise _not_literal(name, scan.line_at(read.end))
    scan.found[name] = read.value
    scan.move(rest.end())


def _not_literal(name: str, line: int) -> UnreadableConfig:
    return UnreadableConfig(
        _(
            "Line %(line)d: the value of %(name)s is not a plain text, number, true, false, nil or"
            " hash. Letterbox evaluates no Ruby, so write the value itself there."
        )
        % {"line": line, "name": name}
    )


def _pass_line(scan: Scan) -> None:
    """Skip a line that sets nothing of ours, with its continuation."""
    number = scan.line
    line = scan.next_line()
    if line.startswith("=begin"):
        _pass_until(scan, "=end")
    elif line.rstrip() == "__END__":
        scan.move(len(scan.text))
    else:
        _pass_code(scan, _COMMENT.sub("", line).rstrip(), number)


def _pass_code(scan: Scan, code: str, number: int) -> None:
    if _CLOSES.match(code) and scan.blocks:
        scan.blocks.pop()
    elif _OPENS.search(code) and not _CLOSES_AT_ONCE.search(code):
        scan.blocks.append(number)
    if _MENTION.search(code):
        _note_mention(scan, code, number)
    if heredoc := _HEREDOC.search(code):
        _pass_until(scan, heredoc[2])


def _note_mention(scan: Scan, code: str, number: int) -> None:
    """Report a setting of ours in a form that is not understood, rather than skip it."""
    if code.lstrip().startswith("gitlab_rails"):
        raise UnreadableConfig(
            _("Line %(line)d can't be read. Write it as gitlab_rails['incoming_email_…'] = value.")
            % {"line": number}
        )
    remark = _("Line %(line)d mentions incoming email, but sets no option of a mailbox.")
    scan.remarks.append(remark % {"line": number})


def _pass_until(scan: Scan, word: str) -> None:
    while scan.at < len(scan.text) and scan.next_line().strip() != word:
        continue


def _section(purpose: str, found: dict[str, Literal]) -> Section | None:
    prefix = f"{purpose}_"
    entries = [
        entry
        for name, value in found.items()
        if name.startswith(prefix)
        for entry in flatten(_name_in_yaml(name.removeprefix(prefix)), value)
    ]
    return Section(purpose, tuple(entries)) if entries else None


def _name_in_yaml(name: str) -> str:
    return NAMES.get(name, name)
