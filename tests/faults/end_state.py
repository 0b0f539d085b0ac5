"""What there is in the end, as lines that are the same whenever the same has happened; and what
differs between two of these.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings

from incoming_email.models import (
    ChangedHour,
    Heartbeat,
    HourCount,
    InboundEmail,
    Mailbox,
    ReplyKey,
)
from incoming_email.outcomes import Reason
from issues import repositories, uploads
from issues.models import (
    Announcement,
    Issue,
    MergeRequest,
    MergeRequestVersion,
    Note,
    OutgoingAccount,
    OutgoingEmail,
    Project,
    Upload,
)
from tests.faults.outside import Outside

CHANGING = re.compile(r"[0-9a-f]{32,64}|[0-9a-z]{25}|(?<=note )\d+")
"""Keys, secrets and ids, which another run makes otherwise."""

OF_TIME = {Heartbeat, OutgoingAccount, HourCount, ChangedHour}
"""The next sign and the next mail say it. Of what took longer another row of the sums tells."""

UNFINISHED = re.compile(r"pending|owed|leased")
LITTER = ("media/**/*.part", "media/**/.removed-*", "repositories/**/*.lock")


@dataclass(frozen=True)
class Difference:
    """Of an end from the one of a run that nobody disturbed."""

    lost: list[str]
    doubled: list[str]
    stuck: list[str]

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.stuck)


def compare(found: Iterable[str], undisturbed: Iterable[str]) -> Difference:
    """What is there in another state counts as lost and doubled, or as stuck if it waits."""
    there, wanted = Counter(found), Counter(undisturbed)
    more = sorted((there - wanted).elements())
    return Difference(
        lost=sorted((wanted - there).elements()),
        doubled=[line for line in more if not UNFINISHED.search(line)],
        stuck=[line for line in more if UNFINISHED.search(line)],
    )


def find_end(outside: Outside) -> list[str]:
    """Every line begins with what it is about."""
    lines = [
        *_find_tables(),
        *_find_items(),
        *_find_files(),
        *_find_repositories(),
        *_find_mail(),
        *(f"sent {line}" for line in map(str, outside.ask("sent"))),
        *(
            f"left outside {line}"
            for line in (outside.ask("left") if "left" in outside.actions else ())
        ),
    ]
    return [CHANGING.sub("…", line) for line in lines]


def _find_tables() -> Iterator[str]:
    """How many rows each has. A second row for a mail that came twice is right: it did nothing."""
    copies = InboundEmail.objects.filter(reason=Reason.DUPLICATE)
    for app in ("issues", "incoming_email", "servicedesk", "admin", "account"):
        for model in apps.get_app_config(app).get_models():
            if model not in OF_TIME:
                rows = model._default_manager
                count = rows.count() - (copies.count() if model is InboundEmail else 0)
                yield from [f"row of {model._meta.label}"] * count


def _find_items() -> Iterator[str]:
    for issue in Issue.objects.all():
        labels = sorted(issue.labels.values_list("name", flat=True))
        state = f"{issue.state} spam" if issue.spam_at else issue.state
        yield f"issue {issue} {state} {issue.title!r} {issue.description!r} {labels}"
    for item in MergeRequest.objects.all():
        yield f"merge request {item} {item.state} {item.title!r} {item.source_branch}"
    for version in MergeRequestVersion.objects.all():
        yield f"version {version.number} of {version.merge_request} branch {version.branch_move}"
    for note in Note.objects.all():
        yield f"note on {note.item} by {note.author} internal {note.internal} {note.body!r}"
    for announcement in Announcement.objects.all():
        yield f"announcement {'owed' if announcement.fanned_out_at is None else 'done'}"


def _find_files() -> Iterator[str]:
    """Of uploads with and without a row, and what writers leave when they die."""
    root = Path(settings.MEDIA_ROOT)
    known = {uploads.path_of(upload): upload for upload in Upload.objects.all()}
    for path, upload in known.items():
        content = path.read_bytes() if path.exists() else None
        yield f"upload {upload.filename} {upload.size} bytes, on disk {content!r}"
    for path in root.rglob("*"):
        if path.is_file() and path not in known:
            yield f"file without a row {path.name}"
        elif path.is_dir() and not any(path.iterdir()):
            yield f"empty folder {len(path.relative_to(root).parts)} deep"
    data = Path(settings.DATA_DIR)
    for pattern in LITTER:
        yield from (f"litter {path.relative_to(data)}" for path in data.glob(pattern))


def _find_repositories() -> Iterator[str]:
    for project in Project.objects.all():
        for branch in repositories.find_branches(project):
            yield f"branch {branch} of {project}"
        for version in MergeRequestVersion.objects.filter(merge_request__project=project):
            head = repositories.find_head(project, version.merge_request.source_branch)
            found = repositories.find_commits(project, base=version.base_sha, head=version.head_sha)
            subjects = [commit.subject for commit in found]
            yield f"commits {subjects}, at the branch's head: {head == version.head_sha}"
        yield from (f"pin in {project}" for _ in repositories.find_pins(project))
    root = Path(settings.REPOSITORIES_ROOT)
    yield from (f"workplace {path.name}" for path in root.glob(".work/*"))


def _find_mail() -> Iterator[str]:
    for row in InboundEmail.objects.exclude(reason=Reason.DUPLICATE):
        kept = "with" if row.raw else "without"
        words = f"{row.subject!r} {row.status} {row.reason} {row.handler} {row.outcome}"
        yield f"ledger {words} {kept} bytes {len(row.trace)} steps"
    for mail in OutgoingEmail.objects.all():
        yield f"outgoing {mail.kind} to {mail.recipient} {mail.state} {mail.subject!r}"
    for key in ReplyKey.objects.all():
        yield f"reply key of {key.recipient} {'valid' if key.revoked_at is None else 'revoked'}"
    for mailbox in Mailbox.objects.all():
        state = "leased" if mailbox.lease_holder else "free"
        is_failing = mailbox.failing_since is not None
        yield f"mailbox {mailbox} {state} {mailbox.last_error!r} failing: {is_failing}"
