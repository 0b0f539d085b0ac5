"""The patches of a mail: attached, or in its text, as mails of their own with a diff each."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from incoming_email.outcomes import Reason, Rejected
from incoming_email.parsing.mime.mailboxes import parse_mailboxes
from incoming_email.parsing.replies.own_words import find_others
from incoming_email.parsing.replies.splitting import split_reply
from incoming_email.parsing.types import Attachment, ParsedEmail, PatchText
from incoming_email.patch_mails.proposing import Texts
from issues import patches as patch_text
from issues.marked_text import MarkedText, filled_in
from issues.patches import PatchTag
from issues.quick_actions import Answered
from issues.repositories import sentence
from issues.services import PatchSet
from issues.uploads import NewFile

NAMES = (".patch", ".diff", ".mbox", ".mbx")
TYPES = {"text/x-patch", "text/x-diff", "application/mbox"}
MAX_SLUG = 60
_DIFF_BEGINS = re.compile(r"^(?:---[ \t]*$|diff --git |--- \S| \S.* \| +(?:\d|Bin ))", re.MULTILINE)
_STAT_BEGINS = re.compile(r"^(?: \S.* \| +(?:\d|Bin )|diff --git |--- \S)", re.MULTILINE)
_IN_BODY = re.compile(r"(?:(?:From|Subject|Date): [^\n]*\n(?:[ \t][^\n]*\n)*)+\s*")

_AUTHOR = re.compile(r"^From:([^\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MailedPatches:
    tag: PatchTag | None
    """What the subject of the mail says; None where it is no `[PATCH]`."""

    mails: tuple[bytes, ...]
    title: str
    description: MarkedText
    """For a new merge request: the words of the sender, or else the message of the commit."""

    remark: MarkedText
    """What the sender wrote besides the patches."""

    attached: frozenset[int]
    """Numbers of the attachments that are patches, and so no files of the merge request."""

    @property
    def is_part(self) -> bool:
        """One mail of a series: the others come, or came, by themselves."""
        brings_one = len(self.mails) == (0 if self.tag and self.tag.is_cover else 1)
        return bool(self.tag and self.tag.is_part and brings_one and not self.attached)

    @property
    def may_have_cover(self) -> bool:
        """A patch 1/1, which is no part without a cover letter."""
        is_alone = len(self.mails) == 1 and not self.attached
        return bool(self.tag and self.tag.is_numbered and self.tag.total == 1 and is_alone)

    @property
    def revision(self) -> int:
        """The subject's, or the newest that an attached patch names."""
        if self.tag is not None:
            return self.tag.revision
        tags = filter(None, map(patch_text.find_tag, self.mails))
        return max((tag.revision for tag in tags), default=1)

    def as_set(self, source: str, received_at: datetime) -> PatchSet:
        return PatchSet(self.mails, source, received_at, self.revision)

    def texts(
        self, email: ParsedEmail, files: Sequence[NewFile], answered: Answered | None
    ) -> Texts:
        """`files` are those of all attachments, in their order."""
        return Texts(
            branch=branch_from(self.title) if self.tag else email.subject.strip(),
            title=self.title if self.tag and self.tag.is_cover else "",
            description=self.description,
            remark=self.remark,
            answered=answered,
            files=tuple(f for place, f in enumerate(files) if place not in self.attached),
        )


def branch_from(title: str) -> str:
    return slugify(title, allow_unicode=True)[:MAX_SLUG].strip("-") or "patches"


def thread_of(email: ParsedEmail) -> list[str]:
    """Ids of the mails above it, the nearest one first."""
    return list(dict.fromkeys(email.answered_ids))


def read_patches(email: ParsedEmail, *, is_reply: bool = False) -> MailedPatches:
    """Raises Rejected for a file that is a patch and can't be applied by anybody.

    Of a reply only what the person wrote counts, and such a file is treated as an ordinary file.
    """
    tag = patch_text.parse_subject(email.subject)
    title = tag.title if tag else ""
    whole = email.reply if is_reply else email.text
    others = email.others_in_reply if is_reply else email.others_in_text
    text = MarkedText(whole, others.numbers, others.below, others.doubtful).strip()
    places, mails, cover = _read_attached(email, is_reply=is_reply)
    if not mails and email.patch_texts:
        found = _read_inline(email, tag)
        if found is not None:
            mails, text, message = found
            description = text if text.source else filled_in(message)
            return MailedPatches(tag, mails, title, description, text, frozenset())
    if mails and not text.source:
        text = filled_in(cover)
    return MailedPatches(tag, mails, title, text, text, places)


def _read_attached(
    email: ParsedEmail, *, is_reply: bool
) -> tuple[frozenset[int], tuple[bytes, ...], str]:
    """In the order of the names. A cover letter among the files is a text, and no patch."""
    chosen = [
        (number, file)
        for number, file in enumerate(email.attachments)
        if _is_patch_file(file, is_reply=is_reply)
    ]
    mails: list[bytes] = []
    cover = ""
    for _number, file in sorted(chosen, key=lambda pair: pair[1].filename):
        for mail in patch_text.split_mailbox(patch_text.mend(file.content)):
            tag = patch_text.find_tag(mail)
            if tag is not None and tag.is_cover and not patch_text.has_diff(mail):
                cover = mail.partition(b"\n\n")[2].decode(errors="replace").strip()
            else:
                mails.append(mail)
    return frozenset(number for number, _file in chosen), tuple(mails), cover


def _is_patch_file(file: Attachment, *, is_reply: bool) -> bool:
    """A bare diff has no author and no message: as `.diff` it is a file like any other."""
    name = file.filename.lower()
    if not (name.endswith(NAMES) or file.content_type in TYPES):
        return False
    first = patch_text.split_mailbox(file.content)[0]
    if patch_text.has_mail_header(first):
        return True
    if name.endswith(".patch") and not is_reply:
        raise Rejected(
            Reason.PATCH_REFUSED,
            sentence(
                _(
                    "“%(name)s” does not say who wrote it and why. Make it by git format-patch,"
                    " not by git diff."
                ),
                name=file.filename,
            ),
        )
    return False


def _read_inline(
    email: ParsedEmail, tag: PatchTag | None
) -> tuple[tuple[bytes, ...], MarkedText, str] | None:
    """Patches, the sender's own words, and the message of the commit.

    Either the mail is the patch, which its subject says, or format-patch output was put into it.
    Any other diff in a text is an example, and applied by nobody: None.
    """
    source = email.patch_texts[0]
    content = patch_text.mend(source.content, is_flowed=source.flowed)
    start = patch_text.find_separator(content)
    if start >= 0:
        above = _decode(content[:start], source)
        own = _mark_own(above) if source.is_own else filled_in(above)
        return tuple(patch_text.split_mailbox(content[start:])), own.strip(), ""
    if tag is None or tag.is_cover:
        return None
    message, remark = _read_words(_decode(content, source), email.sender if source.is_own else "")
    return (_as_mail(email, tag, source, content),), remark, message


def _decode(content: bytes, source: PatchText) -> str:
    try:
        return content.decode(source.charset or "utf-8", errors="replace").replace("\0", "")
    except LookupError:
        return content.decode(errors="replace").replace("\0", "")


def _read_words(text: str, sender: str) -> tuple[str, MarkedText]:
    """Above `---` the message of the commit, below it what is meant for the reader alone.

    `git send-email` names the author of a patch within it where that is not the sender: then both
    are the author's words. "" is the sender of a text that was added to the mail.
    """
    end = _DIFF_BEGINS.search(text)
    message = text[: end.start()] if end else text
    remark = ""
    if end and end[0].startswith("---") and not end[0].strip("- \t"):
        rest = text[end.end() :]
        stop = _STAT_BEGINS.search(rest)
        remark = rest[: stop.start()] if stop else ""
    leading = _IN_BODY.match(message)
    author = _AUTHOR.search(leading[0]) if leading else None
    is_senders = bool(sender) and (
        author is None or parse_mailboxes(author[1], most=2).addresses == (sender,)
    )
    remark = remark.strip()
    words = _mark_own(remark) if is_senders else filled_in(remark)
    return message[leading.end() if leading else 0 :].strip(), words


def _mark_own(text: str) -> MarkedText:
    others, _in_reply = find_others(text, split_reply(text))
    return MarkedText(text, others.numbers, others.below, others.doubtful)


def _as_mail(email: ParsedEmail, tag: PatchTag, source: PatchText, content: bytes) -> bytes:
    """The fields that git needs, in a form that no field of the sender's can break out of."""
    author = email.patch_author or f"{email.sender_name or email.sender} <{email.sender}>"
    name, _angle, address = author.rpartition(" <")
    charset = source.charset if re.fullmatch(r"[\w.:-]{1,40}", source.charset) else "utf-8"
    fields = [
        f"From: {_encode(name)} <{address}",
        f"Subject: [PATCH] {_encode(tag.title)}",
        *([f"Date: {email.patch_date}"] if email.date else []),
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
        "Content-Transfer-Encoding: 8bit",
    ]
    return "\n".join([*fields, "", ""]).encode(errors="replace") + content


def _encode(text: str) -> str:
    """RFC 2047, so that names with commas or other letters stay one word."""
    plain = base64.b64encode(text.encode(errors="replace")).decode()
    return f"=?utf-8?b?{plain}?="
