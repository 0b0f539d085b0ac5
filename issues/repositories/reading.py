"""What the page of a merge request shows: commits and the diff between two of them."""

from dataclasses import dataclass
from datetime import datetime

from issues.models import Project
from issues.repositories.running import Answer, Git, GitError
from issues.repositories.storing import has_repository, path_of

_FIELDS = "%H%x00%an%x00%ae%x00%aI%x00%s%x00%b%x00"
_COUNT = _FIELDS.count("%x00")

EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""What a branch without a commit in common starts from: by digits of SHA-1 and SHA-256."""


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    author_name: str
    author_email: str
    authored_at: datetime
    subject: str
    body: str


def find_commits(
    project: Project, *, base: str, head: str, limit: int | None = None
) -> list[Commit]:
    """From `base` (not included) to `head`, the oldest first; of many the newest `limit`."""
    answer = _open(project).run(
        *("log", "--reverse", f"--format={_FIELDS}"),
        *([] if limit is None else [f"--max-count={limit}"]),
        *("--end-of-options", f"{base}..{head}" if base else head, "--"),
    )
    words = answer.out.decode(errors="replace").split("\0")
    commits = []
    for start in range(0, len(words) - _COUNT, _COUNT):
        sha, name, email, date, subject, body = words[start : start + _COUNT]
        moment = datetime.fromisoformat(date)
        commits.append(Commit(sha.strip(), name, email, moment, subject, body.strip()))
    return commits


def find_diff(project: Project, *, base: str, head: str, with_lines: bool = True) -> bytes:
    """Modes and names, counts of lines, and the patch (git-diff: --raw, --numstat, --patch, -z).

    Renames are found. An empty `base` is the empty tree. Raises GitStopped where it exceeds
    MAX_GIT_OUTPUT_BYTES.
    """
    answer = _open(project).run(
        *("diff", "--raw", "--numstat", "-z", "--no-abbrev", "--full-index", "--find-renames"),
        *(["--patch"] if with_lines else []),
        *("--no-color", "--no-ext-diff", "--no-textconv", "--diff-algorithm=histogram"),
        *("--src-prefix=a/", "--dst-prefix=b/"),
        *("--end-of-options", base or EMPTY_TREES[len(head)], head, "--"),
    )
    return answer.out


def find_merge_base(project: Project, one: str, other: str) -> str:
    """Empty where the two have no commit in common."""
    git = Git(path_of(project))
    return git.run("merge-base", "--end-of-options", one, other, accepted=(0, 1)).text


def _open(project: Project) -> Git:
    """Raises GitError where there is no repository, as for a commit that is not in it."""
    if not has_repository(project):
        raise GitError("open", Answer(128, b"", b"there is no repository"))
    return Git(path_of(project))
