"""Files of issues, merge requests and notes: which are kept, where they show, where they lie."""

from issues.uploads.files import NewFile, address_of, inline_types, safe_name
from issues.uploads.linking import (
    Chosen,
    Destination,
    choose_files,
    escape_name,
    find_references,
    find_remarks,
    insert_links,
)
from issues.uploads.moving import move_uploads
from issues.uploads.removing import find_projects, forget_file, remove_orphans
from issues.uploads.storing import (
    create_uploads,
    discarded,
    open_upload,
    path_of,
    read_content,
    rolled_back_on_error,
)

__all__ = [
    "Chosen",
    "Destination",
    "NewFile",
    "address_of",
    "choose_files",
    "create_uploads",
    "discarded",
    "escape_name",
    "find_projects",
    "find_references",
    "find_remarks",
    "forget_file",
    "inline_types",
    "insert_links",
    "move_uploads",
    "open_upload",
    "path_of",
    "read_content",
    "remove_orphans",
    "rolled_back_on_error",
    "safe_name",
]
