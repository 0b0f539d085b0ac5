"""Two lines of commits become one: fast-forward or a merge commit, and where they conflict."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from issues.models import Project, User
from issues.repositories.applying import name_committer
from issues.repositories.running import Git, GitError
from issues.repositories.storing import ensure_repository, new_workplace

UNRELATED = "unrelated histories"


@dataclass(frozen=True, slots=True)
class Joining:
    """What merging comes to. With conflicts there is no commit."""

    commit: str = ""
    """Where the target branch goes; empty also where it was only tried."""

    is_forward: bool = False
    """The target has nothing of its own, so it only moves on: no merge commit is made."""

    conflicts: tuple[str, ...] = ()
    """Paths that both sides changed."""

    is_unrelated: bool = False
    """The two have no commit in common."""

    @property
    def is_clean(self) -> bool:
        return not (self.conflicts or self.is_unrelated)


def try_join(project: Project, *, target: str, source: str) -> Joining:
    """Whether the commits merge cleanly; what git writes to find out is thrown away."""
    git = ensure_repository(project)
    workplace = new_workplace()
    elsewhere = {
        "GIT_OBJECT_DIRECTORY": str(workplace),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(git.directory / "objects"),
    }
    try:
        joining, _tree = _join(git, target, source, elsewhere)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return joining


def join(
    project: Project, *, target: str, source: str, message: str, author: User, now: datetime
) -> Joining:
    """The commit that holds both, on no branch yet. The same arguments make the same commit."""
    git = ensure_repository(project)
    joining, tree = _join(git, target, source, {})
    if joining.commit or not joining.is_clean:
        return joining
    person = name_committer(author)
    moment = f"@{int(now.timestamp())} +0000"
    variables = {
        **person,
        **{name.replace("COMMITTER", "AUTHOR"): value for name, value in person.items()},
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_DATE": moment,
    }
    made = git.run(
        *("commit-tree", tree, "-p", target, "-p", source),
        given=message.encode(errors="replace"),
        variables=variables,
    )
    return Joining(commit=made.text)


def _join(git: Git, target: str, source: str, variables: Mapping[str, str]) -> tuple[Joining, str]:
    """And the tree of the merge commit, where one is needed."""
    if is_ancestor(git, source, of=target):
        return Joining(commit=target, is_forward=True), ""
    if is_ancestor(git, target, of=source):
        return Joining(commit=source, is_forward=True), ""
    try:
        answer = git.run(
            *("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"),
            *("--end-of-options", target, source),
            variables=variables,
            accepted=(0, 1),
        )
    except GitError as error:
        if UNRELATED in error.answer.messages:
            return Joining(is_unrelated=True), ""
        raise
    tree, *paths = answer.out.decode(errors="replace").split("\0")
    if answer.code == 0:
        return Joining(), tree
    return Joining(conflicts=tuple(dict.fromkeys(filter(None, paths)))), ""


def is_ancestor(git: Git, one: str, *, of: str) -> bool:
    """Whether `of` holds everything of `one`; a commit is its own ancestor."""
    messages = ("merge-base", "--is-ancestor", "--end-of-options", one, of)
    return git.run(*messages, accepted=(0, 1)).code == 0
