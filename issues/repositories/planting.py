"""Commits written without patches or a worktree: the first ones of a demo."""

from collections.abc import Mapping
from datetime import datetime

from issues.models import Project, User
from issues.repositories.applying import name_committer
from issues.repositories.storing import HEADS, ensure_repository, find_head


def plant_commit(
    project: Project,
    *,
    author: User,
    message: str,
    files: Mapping[str, bytes],
    now: datetime,
) -> str:
    """On top of the default branch, made if it is not there; the new commit (git-fast-import)."""
    git = ensure_repository(project)
    branch = project.default_branch
    person = name_committer(author)
    who = f"{person['GIT_COMMITTER_NAME']} <{person['GIT_COMMITTER_EMAIL']}>"
    before = find_head(project, branch)
    text = message.encode()
    pieces = [
        f"commit {HEADS}{branch}\ncommitter {who} {int(now.timestamp())} +0000\n".encode(),
        b"data %d\n%s\n" % (len(text), text),
        f"from {before}\n".encode() if before else b"",
    ]
    for path, content in files.items():
        pieces.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    git.run("fast-import", "--quiet", given=b"".join(pieces))
    return find_head(project, branch)
