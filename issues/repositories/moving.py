"""Refs that move: by compare-and-swap, after commit, and the pins that keep commits until then."""

import time
from dataclasses import dataclass, replace

from django.conf import settings

from issues.models import Project
from issues.repositories.joining import is_ancestor
from issues.repositories.running import Git, GitError
from issues.repositories.storing import (
    HEADS,
    ensure_repository,
    find_commit,
    has_repository,
    path_of,
)

PINS = "refs/letterbox/pending/"
"""Commits of versions that may not be committed yet, by the id of the row."""

VERSIONS = "refs/letterbox/versions/"
"""Commits of every version, also of those that a newer one has replaced."""


@dataclass(frozen=True, slots=True)
class Move:
    """A branch goes from one commit to another. An empty `old`: there was no such branch."""

    version_id: int
    branch: str
    old: str
    new: str


def pin(project: Project, *, version_id: int, commit: str) -> None:
    """Keep the commit from `git gc` until its row has committed and the branch has moved."""
    git = replace(ensure_repository(project), syncs_refs=False)
    git.run("update-ref", f"{PINS}{version_id}", commit)


def move(project: Project, step: Move) -> bool:
    """Move the branch, name the version, drop the pin: all or nothing, and idempotent.

    False where somebody else has moved the branch; the version is named all the same. Raises
    GitError where git failed, so that the move is tried again.
    """
    git = ensure_repository(project)
    target = f"{HEADS}{step.branch}"
    named = [
        f"update {VERSIONS}{step.version_id}\0{step.new}\0\0",
        f"delete {PINS}{step.version_id}\0\0",
    ]
    old = step.old or "0" * len(step.new)
    try:
        _change(git, [f"update {target}\0{step.new}\0{old}\0", *named])
    except GitError:
        found = find_commit(git, target)
        if found == step.old != step.new:
            raise  # nobody moved it: a fault, and the move is still to be done
        _change(git, named)
        return found == step.new
    return True


def move_branch(project: Project, *, branch: str, old: str, new: str) -> bool:
    """Idempotent. False where somebody else has moved the branch, and it does not contain `new`.

    Raises GitError where git failed, so that the move is tried again.
    """
    git = ensure_repository(project)
    target = f"{HEADS}{branch}"
    try:
        _change(git, [f"update {target}\0{new}\0{old}\0"])
    except GitError:
        found = find_commit(git, target)
        if found == old != new:
            raise
        return bool(found) and is_ancestor(git, new, of=found)
    return True


def _change(git: Git, lines: list[str]) -> None:
    """One transaction of refs (git-update-ref, --stdin)."""
    given = "".join(["start\0", *lines, "prepare\0", "commit\0"])
    git.run("update-ref", "--stdin", "-z", given=given.encode())


def find_pins(project: Project) -> dict[int, str]:
    """Commit by the id of the version's row."""
    if not has_repository(project):
        return {}
    answer = Git(path_of(project)).run(
        "for-each-ref", "--format=%(refname:lstrip=3) %(objectname)", PINS
    )
    pairs = (line.split() for line in answer.text.splitlines())
    return {int(number): commit for number, commit in pairs if number.isdecimal()}


def drop_pin(project: Project, version_id: int) -> bool:
    """Forget a commit whose row never came; False where the pin is too young to tell.

    A transaction that still runs may be about to commit its row.
    """
    git = Git(path_of(project))
    file = git.directory / f"{PINS}{version_id}"
    try:
        age = time.time() - file.stat().st_mtime
    except FileNotFoundError:  # packed, so it is old
        age = float("inf")
    if age <= settings.CELERY_TASK_TIME_LIMIT + settings.GIT_TIMEOUT_SECONDS:
        return False
    name = f"{PINS}{version_id}"
    if pinned := find_commit(git, name):
        _change(git, [f"delete {name}\0{pinned}\0"])
    return True
