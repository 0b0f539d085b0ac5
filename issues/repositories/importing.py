"""A repository taken over from a folder or a bundle of this machine, with branches and tags."""

import shutil
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from issues.models import Project
from issues.repositories.refusing import Refused, Why, sentence
from issues.repositories.running import Git, GitError
from issues.repositories.storing import (
    HEADS,
    find_branches,
    has_repository,
    init,
    new_workplace,
    path_of,
    put_in_place,
)

REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
SHA256_DIGITS = 64


def import_repository(project: Project, source: Path) -> str:
    """Copy it whole or not at all; return the branch that its HEAD names.

    Raises Refused where the project has branches already, or the source can't be read.
    """
    if find_branches(project):
        raise Refused(
            Why.BRANCH,
            sentence(_("%(path)s has a repository with branches already."), path=project.path),
        )
    workplace = new_workplace()
    try:
        draft = Git(workplace / "new.git", is_import=True)
        path = str(source.resolve())  # absolute, so that it is a path and never a URL
        head = _copy(draft, path)
        if has_repository(project):
            path_of(project).rename(workplace / "empty.git")
        put_in_place(draft.directory, project)
    except GitError as error:
        raise Refused(
            Why.BRANCH,
            sentence(
                _("%(source)s can't be read as a git repository or bundle: %(words)s"),
                source=source,
                words=error.answer.messages[-500:],
            ),
        ) from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return head


def _copy(draft: Git, path: str) -> str:
    listed = draft.run("ls-remote", "--symref", "--end-of-options", path).text.splitlines()
    pairs = (line.partition("\t") for line in listed if not line.startswith("ref:"))
    names = {name: commit for commit, _tab, name in pairs}
    digits = max(map(len, names.values()), default=0)
    head = _find_head(listed, names)
    init(draft, first_branch=head, object_format="sha256" if digits == SHA256_DIGITS else "sha1")
    if names:
        draft.run(
            *("fetch", "--quiet", "--no-write-fetch-head", "--no-auto-gc", "--end-of-options"),
            *(path, *REFS),
        )
    return head


def _find_head(listed: list[str], names: dict[str, str]) -> str:
    """Bundles don't say which branch HEAD is, so the first one at the same commit is it."""
    for line in listed:
        if line.startswith(f"ref: {HEADS}") and line.endswith("\tHEAD"):
            return line.removeprefix(f"ref: {HEADS}").partition("\t")[0]
    branches = [name for name in sorted(names) if name.startswith(HEADS)]
    same = [name for name in branches if names[name] == names.get("HEAD")]
    found = (
        [name for name in same if name in {f"{HEADS}main", f"{HEADS}master"}] or same or branches
    )
    return found[0].removeprefix(HEADS) if found else "main"
