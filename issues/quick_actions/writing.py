"""Texts that people write, on pages and by mail: their commands carried out, the rest stored.

The only entry point for notes, issues and merge requests of people with an account. What others
write goes to the services as it is: there no line is a command.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import services, uploads
from issues.diffs import LinePosition
from issues.marked_text import NO_TEXT, MarkedText
from issues.models import Issue, MergeRequest, Project, User
from issues.quick_actions.opening import split_opening
from issues.quick_actions.reading import read_text
from issues.quick_actions.registry import find_actions
from issues.quick_actions.types import (
    Call,
    Command,
    Item,
    NotUnderstood,
    Reading,
    Refusal,
    Result,
    Written,
)
from issues.services.discussions import find_spot
from issues.services.outside import is_mailed_outside
from issues.services.refusals import require
from issues.uploads import NewFile

LEFT_OUT = gettext_lazy("The line was left out, since customers would have read it.")


def read(text: MarkedText) -> Reading:
    """`text` taken apart by the quick actions that this installation has."""
    if "/" not in text.source and not text.doubtful:
        return Reading(text.source)
    return read_text(text, find_actions(), limit=settings.MAX_QUICK_ACTIONS)


def write_note(  # noqa: PLR0913  (one argument a column)
    *,
    item: Item,
    author: User,
    body: MarkedText,
    now: datetime,
    quoted: str = "",
    discussion: str = "",
    internal: bool = False,
    by_mail: bool = False,
    files: Sequence[NewFile] = (),
    position: LinePosition | None = None,
) -> Written:
    """A text of commands only makes no note. Without commands it costs what a note costs.

    A command that is not understood is not mailed to customers: on the page nothing is written
    (raises Invalid), and by mail the line is left out of the text. Held, the answer would wait for
    somebody else, who could only send it with that line.
    """
    reading = read(body)
    if reading.doubts and not (
        internal
        or not is_mailed_outside(item)
        or _is_inside(item, author, discussion, internal=False, by_mail=by_mail)
    ):
        reading = _for_outside(reading, by_mail=by_mail)
    note = None
    with _atomic(reading):
        has_content = reading.text.strip() or any(map(_is_content, files))
        if has_content or not (reading.commands or reading.doubts):
            note = services.create_note(
                item=item,
                author=author,
                body=reading.text,
                quoted=quoted,
                discussion=discussion,
                internal=internal,
                by_mail=by_mail,
                files=files,
                position=position,
            )
        else:
            require(author, "issues.read_item", item)
            internal = _is_inside(item, author, discussion, internal=internal, by_mail=by_mail)
        result = run_commands(
            reading.commands,
            item=item,
            actor=author,
            now=now,
            announced=note is not None,
            internal=internal if note is None else note.internal,
        )
        if note is not None and not (note.internal or by_mail):
            _require_understood(result, item)
    return Written(item, note, result.done, (*reading.doubts, *result.refused))


def _for_outside(reading: Reading, *, by_mail: bool) -> Reading:
    """A text that customers will read. Raises Invalid where its writer sees that at once."""
    if not by_mail:
        raise _NotSent((*reading.mistakes, *reading.doubts_of_others))
    if not reading.mistakes:
        return reading  # a mail program may have broken the line of a quote there
    told = [replace(each, why=f"{each.why} {LEFT_OUT}") for each in reading.mistakes]
    doubts = (*told, *reading.doubts_of_others)
    return replace(reading, text=reading.without_mistakes, doubts=doubts)


def _require_understood(result: Result, item: Item) -> None:
    mistakes = [refusal for refusal in result.refused if refusal.is_mistake]
    if mistakes and is_mailed_outside(item):
        raise _NotSent(mistakes)


class _NotSent(services.Invalid):
    """Nothing was written, since customers would read it with these lines in it, or without
    what they were to do."""

    def __init__(self, mistakes: Sequence[Refusal]) -> None:
        sentence = _("“%(line)s”: %(why)s")
        lines = [sentence % {"line": m.shown_line, "why": m.why} for m in mistakes]
        end = _(
            "Nothing was sent to the customer. Correct the line and send the comment again; if it"
            " is meant as text, write it in `backticks`."
        )
        super().__init__([*lines, end])


def open_issue(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User,
    title: str,
    now: datetime,
    description: MarkedText = NO_TEXT,
    confidential: bool = False,
    files: Sequence[NewFile] = (),
) -> Written:
    """/title and /confidential say how it is opened; the others are carried out on it."""
    reading = read(description)
    opening = split_opening(reading.commands, Issue)
    with _atomic(reading):
        issue = services.create_issue(
            project=project,
            author=author,
            title=opening.title or title,
            description=reading.text,
            confidential=confidential or opening.confidential,
            files=files,
        )
        result = run_commands(opening.others, item=issue, actor=author, now=now, announced=True)
    return _opened(issue, reading, opening.done, result)


def open_merge_request(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User,
    title: str,
    now: datetime,
    source_branch: str,
    target_branch: str,
    description: MarkedText = NO_TEXT,
    draft: bool = False,
    files: Sequence[NewFile] = (),
) -> Written:
    """/title, /target_branch, /draft and /ready say how it is opened. `target_branch` is what
    holds without a command; whoever needs it earlier asks `read` and `split_opening`."""
    reading = read(description)
    opening = split_opening(reading.commands, MergeRequest)
    with _atomic(reading):
        merge_request = services.create_merge_request(
            project=project,
            author=author,
            title=opening.title or title,
            description=reading.text,
            source_branch=source_branch,
            target_branch=opening.target_branch or target_branch,
            draft=draft if opening.draft is None else opening.draft,
            files=files,
        )
        result = run_commands(
            opening.others, item=merge_request, actor=author, now=now, announced=True
        )
    return _opened(merge_request, reading, opening.done, result)


def run_commands(
    commands: Sequence[Command],
    *,
    item: Item,
    actor: User,
    now: datetime,
    announced: bool,
    internal: bool = False,
) -> Result:
    """Needs the caller's transaction. A refused command does not stop the others. `internal`: only
    the team reads the text that they stand in."""
    done: list[str] = []
    refused: list[Refusal] = []
    for command in commands:
        call = Call(
            item=item,
            actor=actor,
            argument=command.argument,
            now=now,
            today=timezone.localdate(now),
            announced=announced,
        )
        refusal = _carry_out(command, call, internal=internal)
        if refusal:
            refused.append(refusal)
        else:
            done.append(command.line)
    return Result(tuple(done), tuple(refused))


def _carry_out(command: Command, call: Call, *, internal: bool) -> Refusal | None:
    action = command.action
    if not isinstance(call.item, action.kinds):
        if isinstance(call.item, Issue):
            why = _("It is for merge requests only, and this is an issue.")
        else:
            why = _("It is for issues only, and this is a merge request.")
        return Refusal(command.line, why)
    if internal and action.shows_argument:
        why = _(
            "Its words would be visible to everybody, and the note is internal. Use it outside of"
            " the internal note."
        )
        return Refusal(command.line, why)
    try:
        require(call.actor, action.permission, call.item)
        action.run(call)
    except NotUnderstood as refusal:
        return Refusal(command.line, str(refusal), is_mistake=True)
    except (services.NotAllowed, services.Invalid) as refusal:
        return Refusal(command.line, str(refusal))
    return None


def _is_inside(item: Item, author: User, discussion: str, *, internal: bool, by_mail: bool) -> bool:
    """Whether a note would be internal, for a text of commands that makes none. Where no note could
    be written, its discussion may have been internal."""
    try:
        return find_spot(
            item=item, author=author, discussion=discussion, internal=internal, by_mail=by_mail
        ).internal
    except (services.Gone, services.NotAllowed):
        return True


def _is_content(file: NewFile) -> bool:
    """Not a logo of the signature below the commands, nor a picture of the part that was cut."""
    is_small = len(file.content) <= int(settings.MAX_SIGNATURE_IMAGE_BYTES)
    return not file.is_old and not (file.is_inline_picture and is_small)


def _opened(item: Item, reading: Reading, done: tuple[str, ...], result: Result) -> Written:
    return Written(item, None, (*done, *result.done), (*reading.doubts, *result.refused))


@contextmanager
def _atomic(reading: Reading) -> Iterator[None]:
    """Text and commands together or not at all. One write alone needs no savepoint around it."""
    if not reading.commands:
        yield
        return
    with uploads.rolled_back_on_error(), transaction.atomic():
        yield
