"""Mailed patches become commits, in a workplace that is thrown away; `git am` does the work."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils.http import http_date
from django.utils.translation import gettext_lazy as _

from issues import patches as patch_text
from issues.disk import sync_folder
from issues.models import Project, User
from issues.repositories.diagnosing import explain, find_failed
from issues.repositories.filtering import read_commits, require_harmless
from issues.repositories.limiting import require_within_limits
from issues.repositories.refusing import Refused, Why, sentence
from issues.repositories.running import Git, GitError, GitStopped
from issues.repositories.storing import ensure_repository, new_workplace

SHA256_DIGITS = 64
UNWELCOME = set("<>\n\r\0")
ENDED_BY = {-25: "SIGXFSZ", -9: "SIGKILL"}

_discarding: ContextVar[bool] = ContextVar("repositories_discarding", default=False)


@contextmanager
def discarded() -> Iterator[None]:
    """A dry run: patches are tried, and nothing of them reaches the repository."""
    token = _discarding.set(True)
    try:
        yield
    finally:
        _discarding.reset(token)


def is_discarding() -> bool:
    return _discarding.get()


@dataclass(frozen=True, slots=True)
class Applied:
    head: str
    base: str
    """Where the commits left the target branch."""

    subjects: tuple[str, ...]
    """Of the new commits, the oldest first."""


def apply_patches(
    project: Project,
    mails: Sequence[bytes],
    *,
    start: str,
    target: str,
    committer: User,
    now: datetime,
) -> Applied:
    """Commits on top of `start`, which are in the repository when this returns, but on no branch.

    The same arguments make the same commits. Raises Refused, and then nothing is left behind.
    """
    require_within_limits(mails)
    repository = ensure_repository(project)
    workplace = new_workplace()
    try:
        git = _furnish(workplace, repository, start)
        head = _apply(git, mails, committer=committer, now=now)
        subjects, changes = read_commits(git, start=start, head=head)
        require_harmless(git, changes)
        base = (
            start if start == target else git.run("merge-base", target, head, accepted=(0, 1)).text
        )
        if not is_discarding():
            _publish(git.directory / "objects", repository.directory / "objects")
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return Applied(head, base, tuple(subjects))


def _furnish(workplace: Path, repository: Git, start: str) -> Git:
    """A repository of its own that borrows the objects: what fails leaves none of its own.

    Only the index is filled. Files that no patch touches are never written.
    """
    git = Git(workplace / "git", workplace / "tree", syncs_refs=False)
    for folder in ("git/objects/info", "git/refs", "tree"):
        (workplace / folder).mkdir(parents=True)
    (git.directory / "objects/info/alternates").write_text(f"{repository.directory / 'objects'}\n")
    (git.directory / "HEAD").write_text(f"{start}\n")
    version, extension = "0", ""
    if len(start) == SHA256_DIGITS:
        version, extension = "1", "[extensions]\n\tobjectFormat = sha256\n"
    (git.directory / "config").write_text(
        f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = false\n{extension}"
    )
    git.run("read-tree", start)
    return git


def _apply(git: Git, mails: Sequence[bytes], *, committer: User, now: datetime) -> str:
    mailbox = patch_text.to_mailbox(mails, date=http_date(now.timestamp()))
    try:
        git.run(
            *("am", "--quiet", "--3way", "--keep-cr", "--no-gpg-sign", "--patch-format=mboxrd"),
            given=mailbox,
            variables=name_committer(committer)
            | {"GIT_COMMITTER_DATE": f"@{int(now.timestamp())} +0000"},
        )
    except GitStopped as error:
        raise _too_much() from error
    except GitError as error:
        if error.answer.code in ENDED_BY or "ut of memory" in error.answer.messages:
            raise _too_much() from error
        raise _explain(git, error.answer.messages, count=len(mails)) from error
    return (git.directory / "HEAD").read_text().strip()


def name_committer(user: User) -> dict[str, str]:
    """git refuses a name of punctuation alone, and drops what would end the field."""
    names = (user.get_full_name(), user.username, f"user {user.pk}")
    plain = ("".join(set_free) for set_free in (filter(_is_welcome, name) for name in names))
    name = next(name for name in plain if any(map(str.isalnum, name)))
    email = "".join(filter(_is_welcome, user.email)) or f"user-{user.pk}@invalid"
    return {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}


def _is_welcome(letter: str) -> bool:
    return letter not in UNWELCOME


def _too_much() -> Refused:
    return Refused(
        Why.PATCH,
        sentence(
            _(
                "The patches took too much time or memory, so they were not applied. Send fewer or"
                " smaller ones."
            )
        ),
    )


def _explain(git: Git, messages: str, *, count: int) -> Refused:
    """--3way does not report the hunk that failed, so git is asked once more without it."""
    failed = find_failed(messages)
    state = git.directory / "rebase-apply"
    patch = state / "patch"
    hunk = ""
    if patch.is_file() and patch.stat().st_size:
        git.run("read-tree", "HEAD")
        again = git.run("apply", "--check", "--cached", "--", str(patch), accepted=(0, 1, 128))
        hunk = again.messages
    return explain(
        f"{hunk}\n{messages}",
        place=f"{failed}/{count}",
        title=_read_title(state / "final-commit", state / "msg"),
    )


def _read_title(*files: Path) -> str:
    for file in files:
        if file.is_file() and (text := file.read_text(errors="replace").strip()):
            return f"“{text.splitlines()[0][:200]}”"
    return "“…”"


def _publish(ours: Path, theirs: Path) -> None:
    """Objects are named by their content, so a second time changes nothing."""
    touched = {theirs}
    for folder in sorted(path for path in ours.iterdir() if len(path.name) == 2):  # noqa: PLR2004  (fan-out)
        target = theirs / folder.name
        target.mkdir(exist_ok=True)
        touched.add(target)
        for file in folder.iterdir():
            file.replace(target / file.name)
    for folder in touched:
        sync_folder(folder)
