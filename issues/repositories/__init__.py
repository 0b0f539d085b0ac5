"""Git repositories of projects: heads of branches, patches applied, refs moved."""

from issues.repositories.applying import Applied, apply_patches, discarded, is_discarding
from issues.repositories.importing import import_repository
from issues.repositories.joining import Joining, join, try_join
from issues.repositories.moving import Move, drop_pin, find_pins, move, move_branch, pin
from issues.repositories.planting import plant_commit
from issues.repositories.reading import (
    Commit,
    find_commits,
    find_diff,
    find_merge_base,
)
from issues.repositories.refusing import Refused, Why, sentence
from issues.repositories.removing import forget_repository, remove_orphans
from issues.repositories.running import Git, GitError, GitStopped
from issues.repositories.storing import (
    ensure_repository,
    find_branches,
    find_commit,
    find_head,
    has_repository,
    is_name_of_git,
    path_of,
    require_branch_name,
    require_room_for,
)
from issues.repositories.sweeping import (
    find_pinned_projects,
    remove_old_workplaces,
    remove_stale_locks,
)

__all__ = [
    "Applied",
    "Commit",
    "Git",
    "GitError",
    "GitStopped",
    "Joining",
    "Move",
    "Refused",
    "Why",
    "apply_patches",
    "discarded",
    "drop_pin",
    "ensure_repository",
    "find_branches",
    "find_commit",
    "find_commits",
    "find_diff",
    "find_head",
    "find_merge_base",
    "find_pinned_projects",
    "find_pins",
    "forget_repository",
    "has_repository",
    "import_repository",
    "is_discarding",
    "is_name_of_git",
    "join",
    "move",
    "move_branch",
    "path_of",
    "pin",
    "plant_commit",
    "remove_old_workplaces",
    "remove_orphans",
    "remove_stale_locks",
    "require_branch_name",
    "require_room_for",
    "sentence",
    "try_join",
]
