"""The rows of the domain: people, projects, items, and the outbox."""

from issues.models.external_people import ExternalPerson
from issues.models.former import FormerNumber, FormerPath
from issues.models.items import (
    DISCUSSION_BYTES,
    Issue,
    MergeRequest,
    Note,
    RenderedText,
    State,
    Subscription,
    Upload,
    WorkItem,
    new_discussion,
    note_address,
    storable,
)
from issues.models.merges import Merge
from issues.models.message_ids import (
    WHOLE_ID,
    WithMessageId,
    find_names,
    id_columns,
    name_id,
)
from issues.models.outgoing import (
    Announcement,
    Event,
    OutgoingEmail,
    OutgoingEmailQuerySet,
    OutgoingState,
)
from issues.models.outgoing_accounts import OutgoingAccount
from issues.models.people import REMOVED_PERSON, User
from issues.models.positions import NotePosition
from issues.models.projects import MAIL_FIELDS, Label, Membership, Project, Role, Visibility
from issues.models.versions import BranchMove, MergeRequestVersion

__all__ = [
    "DISCUSSION_BYTES",
    "MAIL_FIELDS",
    "REMOVED_PERSON",
    "WHOLE_ID",
    "Announcement",
    "BranchMove",
    "Event",
    "ExternalPerson",
    "FormerNumber",
    "FormerPath",
    "Issue",
    "Label",
    "Membership",
    "Merge",
    "MergeRequest",
    "MergeRequestVersion",
    "Note",
    "NotePosition",
    "OutgoingAccount",
    "OutgoingEmail",
    "OutgoingEmailQuerySet",
    "OutgoingState",
    "Project",
    "RenderedText",
    "Role",
    "State",
    "Subscription",
    "Upload",
    "User",
    "Visibility",
    "WithMessageId",
    "WorkItem",
    "find_names",
    "id_columns",
    "name_id",
    "new_discussion",
    "note_address",
    "storable",
]
