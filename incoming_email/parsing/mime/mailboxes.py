"""Address lists as they really come: names, groups, comments, quotes, broken ones (RFC 5322, 3.4).

Structure is found first, on undecoded text; encoded-words are opaque until then, so that a
display name can never become the address (X10). Linear, without recursion: the standard
`getaddresses` recurses on comments and has CVE-2023-27043 in the Pythons we support.
"""

import re
from dataclasses import dataclass, field

from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.text.one_line import clean
from issues.mail_addresses import lower_ascii

MAX_ADDRESS = 254
"""Octets of an address (RFC 5321 4.5.3.1.3 less the angle brackets)."""

_TOKEN = re.compile(
    r"""(?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]*\?=)
      | (?P<space>\s+)
      | (?P<special>[,;:<>()"])
      | (?P<text>[^\s,;:<>()"]+)""",
    re.VERBOSE | re.DOTALL,
)

_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED_ATOM = re.compile(rf"\"({_ATOM}(?:\.{_ATOM})*)\"")
_LOCAL = re.compile(r"[^\s\"\\@<>(),;:\x00-\x1f\x7f]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])+\"")
_DOMAIN = re.compile(
    r"(?=.{1,255}\Z)[^\W_](?:[\w-]{0,62})(?:\.[^\W_](?:[\w-]{0,62}))*\.?|\[[0-9A-Za-z.:]{2,60}\]"
)

_BEFORE = re.compile(r"\A(?:mailto:|@[^\s@:]{1,255}:)", re.IGNORECASE)
_IN_APOSTROPHES = re.compile(r"['‘`]([^'‘’`]+)['’]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One entry of a list. Without a valid address `address` is empty."""

    name: str
    address: str
    """Lower case (ASCII letters only), quotes removed where they are not needed."""

    has_angle: bool = False
    is_clean: bool = True
    """The whole entry can be read in one way only; required where it identifies the sender."""


@dataclass(frozen=True, slots=True)
class MailboxList:
    mailboxes: tuple[Mailbox, ...]
    is_cut: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(mailbox.address for mailbox in self.mailboxes if mailbox.address)


def parse_address(text: str) -> str:
    """A bare addr-spec in lower case, or the empty string if it is none or too long."""
    local, at, domain = text.strip().rpartition("@")
    if not at or len(text.encode("utf-8", errors="replace")) > MAX_ADDRESS:
        return ""
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        return ""
    quoted_atom = _QUOTED_ATOM.fullmatch(local)
    local = quoted_atom[1] if quoted_atom else local
    return lower_ascii(f"{local}@{domain.rstrip('.')}")


def parse_mailboxes(value: str, *, most: int) -> MailboxList:
    """All entries of an unfolded field value, in order; at most `most` of them."""
    scanner = _Scanner(value, most)
    scanner.run()
    return MailboxList(tuple(scanner.found), scanner.is_cut)


@dataclass(slots=True)
class _Entry:
    """What has been read of one entry."""

    phrase: list[str] = field(default_factory=list)
    """Runs of the text outside angle brackets; a blank replaces white space."""

    angle: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angles: int = 0
    in_angle: bool = False
    doubled: int = 0
    """Closing brackets that are still due for opening ones that came twice: `<<a@example.com>>`."""

    is_clean: bool = True


class _Scanner:
    def __init__(self, value: str, most: int) -> None:
        self.value = value
        self.most = most
        self.at = 0
        self.found: list[Mailbox] = []
        self.is_cut = False
        self.entry = _Entry()
        self.comments_close = True
        self.quotes_close = True

    def run(self) -> None:
        while self.at < len(self.value) and not self.is_cut:
            match = _TOKEN.match(self.value, self.at)
            if match is None:  # cannot be: the classes cover every character
                break
            self.at = match.end()
            self.take(match.lastgroup or "", match.group())
        self.end_entry()

    def take(self, kind: str, run: str) -> None:
        if kind == "special":
            self.take_special(run)
        elif kind == "space":
            self.take_text(" ")
        else:
            if kind == "word" and re.search(r"[<>@]", run):
                self.entry.is_clean = False
            self.take_text(run)

    def take_text(self, run: str) -> None:
        entry = self.entry
        if entry.in_angle:
            entry.angle.append(run)
            return
        if entry.angles and "@" in run:
            entry.is_clean = False  # a second address behind the first one
        entry.phrase.append(run)

    def take_special(self, run: str) -> None:
        if run in ",;":
            self.end_entry()
        elif run == "<":
            self.open_angle()
        elif run == ">":
            self.close_angle()
        elif run == "(":
            self.take_comment()
        elif run == '"':
            self.take_quoted()
        elif run == ":" and self.entry.in_angle:  # `mailto:`, or behind a source route
            self.take_text(run)
        elif run == ":":
            self.take_group_name()
        else:  # a closing parenthesis without its partner
            self.entry.is_clean = False

    def take_group_name(self) -> None:
        """The text before the colon is the name of a group, not an address."""
        if any("@" in run for run in self.entry.phrase):
            self.entry.is_clean = False
        self.entry.phrase = []

    def open_angle(self) -> None:
        entry = self.entry
        if entry.in_angle and not entry.angle:
            entry.doubled += 1
            return
        glued = next(iter(entry.phrase[-1:]), " ")
        if entry.angles or ("@" in glued and not glued.startswith('"')):
            entry.is_clean = False
        if entry.angles and _read_address("".join(entry.angle)):
            return
        entry.angles += 1
        entry.in_angle = True
        entry.angle = []

    def close_angle(self) -> None:
        entry = self.entry
        if not entry.in_angle and entry.doubled:
            entry.doubled -= 1
        elif not entry.in_angle:
            entry.is_clean = False
        entry.in_angle = False

    def take_quoted(self) -> None:
        match = _QUOTED.match(self.value, self.at - 1) if self.quotes_close else None
        if match:
            self.at = match.end()
            self.take_text(match.group())
        else:
            self.quotes_close = False  # searched once: never again, for linear time
            self.entry.is_clean = False

    def take_comment(self) -> None:
        depth, begin = 1, self.at
        if self.comments_close:
            for match in _PARENTHESIS.finditer(self.value, self.at):
                depth += {"(": 1, ")": -1}.get(match.group(), 0)
                if depth == 0:
                    self.at = match.end()
                    self.end_comment(self.value[begin : match.start()])
                    return
        self.comments_close = False
        self.entry.is_clean = False

    def end_comment(self, text: str) -> None:
        entry = self.entry
        if entry.in_angle or (entry.phrase and entry.phrase[-1].endswith("@")):
            entry.is_clean = False
        entry.comments.append(text)
        if not entry.in_angle:
            entry.phrase.append(" ")

    def end_entry(self) -> None:
        entry, self.entry = self.entry, _Entry()
        is_at_end = self.at >= len(self.value)  # what lacks its `>` there can't go on
        entry.is_clean = entry.is_clean and (is_at_end or not entry.in_angle)
        if len(self.found) >= self.most:
            self.is_cut = True
        elif entry.angles:
            self.found.append(_read_angle_entry(entry))
        elif any(run != " " for run in entry.phrase):
            self.found += _read_bare_entry(entry)


def _read_angle_entry(entry: _Entry) -> Mailbox:
    """An address or `@` in the name is a part of the name: programs put there what they like."""
    address = _read_address("".join(entry.angle))
    name = _name(entry.phrase) or _name(entry.comments)
    return Mailbox(name, address, has_angle=True, is_clean=entry.is_clean)


def _read_bare_entry(entry: _Entry) -> list[Mailbox]:
    """Without angle brackets the word with an `@` is the address, the others are the name."""
    words = _split_words(entry.phrase)
    addressy = [word for word in words if _is_addressy(word)]
    if not addressy:
        return [Mailbox(_name(entry.phrase), "", is_clean=entry.is_clean)]
    others = [part for word in words if not _is_addressy(word) for part in (word, " ")]
    name = _name(others) or _name(entry.comments)
    is_clean = entry.is_clean and len(addressy) == 1
    addresses = [_read_address(word) for word in addressy]
    whole = _name(entry.phrase)
    return [Mailbox(name if each else whole, each, is_clean=is_clean) for each in addresses]


def _read_address(text: str) -> str:
    """The one address in it: also behind `mailto:` or a source route (RFC 5321 appendix C), and in
    apostrophes, which its domain could not have."""
    text = _BEFORE.sub("", text.strip())
    quoted = _IN_APOSTROPHES.fullmatch(text)
    return parse_address(quoted[1] if quoted else text)


def _split_words(phrase: list[str]) -> list[str]:
    words: list[list[str]] = [[]]
    for run in phrase:
        if run == " ":
            words.append([])
        else:
            words[-1].append(run)
    return ["".join(word) for word in words if word]


def _is_addressy(word: str) -> bool:
    """Holds an `@` outside quotes: `"user@example.org"` is a name, `"user"@example.org` is not."""
    return "@" in word.rpartition('"')[2] and not word.startswith("=?")


def _name(runs: list[str]) -> str:
    """Quotes and escapes removed, then encoded-words decoded, also those wrongly in quotes."""
    plain = [_ESCAPED.sub(r"\1", run[1:-1]) if run.startswith('"') else run for run in runs]
    return " ".join(clean(decode_words("".join(plain))).split())
