"""What the page of a merge request shows: commits and the diff between two of them."""

from dataclasses import dataclass
from datetime import datetime

from issues.models import Project
from issues.repositories.running import Answer, Git, GitError
from issues.repositories.storing import has_repository, path_of

_FIELDS = "%H%x00%an%x00%ae%x00%aI%x00%s%x00%b%x00"
_COUNT = _FIELDS.count("%x00")


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    author_name: str
    author_email: str
    authored_at: datetime
    subject: str
    body: str


def find_commits(project: Project, *, base: str, head: str) -> list[Commit]:
    """From `base` (not included) to `head`, the oldest first."""
    answer = Git(path_of(project)).run(
        "log", "--reverse", f"--format={_FIELDS}", "--end-of-options", f"{base}..{head}", "--"
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

    Renames are found. Raises GitStopped where it exceeds MAX_GIT_OUTPUT_BYTES.
    """
    if not has_repository(project):
        raise GitError("diff", Answer(128, b"", b"no repository"))
    answer = Git(path_of(project)).run(
        *("diff", "--raw", "--numstat", "-z", "--no-abbrev", "--full-index", "--find-renames"),
        *(["--patch"] if with_lines else []),
        *("--no-color", "--no-ext-diff", "--no-textconv", "--diff-algorithm=histogram"),
        *("--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", base, head, "--"),
    )
    return answer.out


def find_merge_base(project: Project, one: str, other: str) -> str:
    """Empty where the two have no commit in common."""
    git = Git(path_of(project))
    return git.run("merge-base", "--end-of-options", one, other, accepted=(0, 1)).text
