"""The bare repository of a project: its path, how it is made, and the heads of its branches."""

import re
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from issues.models import Project
from issues.repositories.refusing import Refused, Why, sentence
from issues.repositories.running import Git, GitError

WORKPLACES = ".work"
"""Folder beside the repositories, for what is made there and then thrown away or moved."""

HEADS = "refs/heads/"
_SURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:/[A-Za-z0-9_][A-Za-z0-9_-]*)*", re.ASCII)
"""Names about which git need not be asked."""

_OF_GIT = re.compile(r"refs/.*|(?:[A-Z]+_)*HEAD", re.DOTALL)
"""Full names of refs, and FETCH_HEAD and its like, which git looks up first (gitrevisions(7))."""

MAX_BRANCH_LENGTH = 200
"""Bytes. A branch is a file with a name; 255 is the limit of most file systems."""


def path_of(project: Project) -> Path:
    return Path(settings.REPOSITORIES_ROOT) / f"{project.pk}.git"


def new_workplace() -> Path:
    """An empty folder on the same file system as the repositories."""
    folder = Path(settings.REPOSITORIES_ROOT) / WORKPLACES / uuid.uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    return folder


def has_repository(project: Project) -> bool:
    return (path_of(project) / "HEAD").is_file()


def ensure_repository(project: Project) -> Git:
    """The project's repository, made empty at first use: whole or not at all."""
    if not has_repository(project):
        workplace = new_workplace()
        try:
            draft = Git(workplace / "new.git")
            init(draft, first_branch=project.default_branch)
            put_in_place(draft.directory, project)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    return Git(path_of(project))


def init(git: Git, *, first_branch: str, object_format: str = "sha1") -> None:
    git.run(
        *("init", "--quiet", "--bare", "--template="),
        *(f"--object-format={object_format}", f"--initial-branch={first_branch}"),
    )


def put_in_place(directory: Path, project: Project) -> None:
    """If somebody else was quicker, theirs stays: a folder with content is never replaced."""
    with suppress(OSError):
        directory.rename(path_of(project))
    if not has_repository(project):
        raise FileNotFoundError(path_of(project))


def find_head(project: Project, branch: str) -> str:
    """The commit of the branch; empty if there is no such branch."""
    if not has_repository(project):
        return ""
    return find_commit(Git(path_of(project)), f"{HEADS}{branch}")


def find_commit(git: Git, name: str) -> str:
    """The commit of a full ref or an object name; empty if there is none."""
    answer = git.run(
        *("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"),
        accepted=(0, 1, 128),
    )
    return answer.text if answer.code == 0 else ""


def find_branches(project: Project) -> list[str]:
    if not has_repository(project):
        return []
    answer = Git(path_of(project)).run("for-each-ref", "--format=%(refname:lstrip=2)", HEADS)
    return answer.text.splitlines()


def is_name_of_git(branch: str) -> bool:
    """Whether git, and people with it, would take the name for something else than a branch."""
    return _OF_GIT.fullmatch(branch) is not None


def require_branch_name(branch: str) -> None:
    """By git's own rules (git-check-ref-format), of a length that a file name can have, and no name
    that means something else to git."""
    if is_name_of_git(branch):
        text = _(
            "“%(branch)s” can't be the name of a branch, since it means something else to git."
            " Write the name alone, such as fix-the-door, without refs/heads/ before it."
        )
        raise Refused(Why.BRANCH, sentence(text, branch=branch[:MAX_BRANCH_LENGTH]))
    if _SURE.fullmatch(branch) and len(branch) <= MAX_BRANCH_LENGTH:
        return
    git = Git(Path("/"))  # the rules are the same everywhere
    plain = branch.isprintable() and len(branch.encode()) <= MAX_BRANCH_LENGTH
    # --branch would expand @{-1}; what it adds to the rules is the leading dash, HEAD and @.
    if plain and not branch.startswith("-") and branch != "@":
        with suppress(GitError):
            git.run("check-ref-format", f"{HEADS}{branch}")
            return
    raise Refused(
        Why.BRANCH,
        sentence(
            _(
                "“%(branch)s” can't be the name of a branch. Choose a name without spaces, such as"
                " fix-the-door."
            ),
            branch=branch[:MAX_BRANCH_LENGTH],
        ),
    )


def require_room_for(project: Project, branch: str) -> None:
    """Branches are files and folders: beside `a` there can be no `a/b`."""
    parts = branch.split("/")
    parents = {"/".join(parts[:count]) for count in range(1, len(parts))}
    for other in find_branches(project):
        if other in parents or other.startswith(f"{branch}/"):
            raise Refused(
                Why.BRANCH,
                sentence(
                    _(
                        "The branch “%(branch)s” can't be made, since there is a branch"
                        " “%(other)s”. Choose another name."
                    ),
                    branch=branch,
                    other=other,
                ),
            )
