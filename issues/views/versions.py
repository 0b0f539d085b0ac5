"""Which versions of a merge request a page shows: one, or two compared."""

from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse

from issues.models import MergeRequest, MergeRequestVersion


@dataclass(frozen=True, slots=True)
class ChosenVersions:
    """`earlier` is None where the version is compared with the target branch, as it left it."""

    versions: tuple[MergeRequestVersion, ...]
    """The newest first."""

    version: MergeRequestVersion
    earlier: MergeRequestVersion | None

    @property
    def base(self) -> str:
        return self.version.base_sha if self.earlier is None else self.earlier.head_sha

    @property
    def head(self) -> str:
        return self.version.head_sha

    @property
    def is_newest(self) -> bool:
        return self.version == self.versions[0]

    @property
    def has_moved(self) -> bool:
        """The two begin at different commits, so what others changed in between is shown as
        well."""
        return self.earlier is not None and self.earlier.base_sha != self.version.base_sha

    @property
    def query(self) -> str:
        """The query string for the same choice."""
        query = f"version={self.version.number}"
        return query if self.earlier is None else f"{query}&from={self.earlier.number}"


def choose_versions(merge_request: MergeRequest, given: QueryDict) -> ChosenVersions | None:
    """`version` and `from` are numbers; what makes no sense counts as not given: the newest."""
    versions = tuple(merge_request.versions.order_by("-number"))
    if not versions:
        return None
    by_number = {str(version.number): version for version in versions}
    version = by_number.get(given.get("version", ""), versions[0])
    earlier = by_number.get(given.get("from", ""))
    if earlier is not None and earlier.number >= version.number:
        earlier = None
    return ChosenVersions(versions, version, earlier)


def changes_url(merge_request: MergeRequest) -> str:
    """Needs the item's project."""
    return reverse(
        "merge-request-changes",
        kwargs={"path": merge_request.project.path, "iid": merge_request.iid},
    )
