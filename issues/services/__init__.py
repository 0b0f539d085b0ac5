"""Every write to the domain: keyword-only, atomic, with the permission asked first."""

from issues.repositories import Refused, Why
from issues.services.account_mails import write_account_mail
from issues.services.accounts import add_email_address, choose_primary_address, create_user
from issues.services.branch_moves import finish_moves, sweep_repositories
from issues.services.branching import set_draft, set_target_branch
from issues.services.changing import (
    add_labels,
    assign,
    close_item,
    edit_item,
    remove_labels,
    reopen_item,
    set_confidential,
    set_due_date,
    set_locked,
    unassign,
)
from issues.services.erasing import erase_person, named_by
from issues.services.files import remove_uploads
from issues.services.formatting import keep_html
from issues.services.inviting import accept_invitation, can_be_invited, find_invited, invite
from issues.services.item_fields import find_correctable, find_undeclared
from issues.services.merging import MergePlan, finish_merges, merge, plan_merge
from issues.services.merging_issues import merge_issue
from issues.services.moving import move_issue
from issues.services.naming import copy_names, remember_name
from issues.services.projects import (
    add_member,
    create_label,
    create_project,
    import_repository,
    save_project,
    save_project_mail,
)
from issues.services.proposing import PatchSet, add_version, find_opened, propose_merge_request
from issues.services.redacting import names_of, redact_rows
from issues.services.refusals import Gone, Invalid, Locked, NotAllowed, NotVisible
from issues.services.relating import copy_in, mark_duplicate
from issues.services.second_factors import reset_second_factor
from issues.services.subscribing import subscribe, unsubscribe
from issues.services.writing import (
    announced_together,
    create_issue,
    create_merge_request,
    create_note,
    write_gathered,
)

__all__ = [
    "Gone",
    "Invalid",
    "Locked",
    "MergePlan",
    "NotAllowed",
    "NotVisible",
    "PatchSet",
    "Refused",
    "Why",
    "accept_invitation",
    "add_email_address",
    "add_labels",
    "add_member",
    "add_version",
    "announced_together",
    "assign",
    "can_be_invited",
    "choose_primary_address",
    "close_item",
    "copy_in",
    "copy_names",
    "create_issue",
    "create_label",
    "create_merge_request",
    "create_note",
    "create_project",
    "create_user",
    "edit_item",
    "erase_person",
    "find_correctable",
    "find_invited",
    "find_opened",
    "find_undeclared",
    "finish_merges",
    "finish_moves",
    "import_repository",
    "invite",
    "keep_html",
    "mark_duplicate",
    "merge",
    "merge_issue",
    "move_issue",
    "named_by",
    "names_of",
    "plan_merge",
    "propose_merge_request",
    "redact_rows",
    "remember_name",
    "remove_labels",
    "remove_uploads",
    "reopen_item",
    "reset_second_factor",
    "save_project",
    "save_project_mail",
    "set_confidential",
    "set_draft",
    "set_due_date",
    "set_locked",
    "set_target_branch",
    "subscribe",
    "sweep_repositories",
    "unassign",
    "unsubscribe",
    "write_account_mail",
    "write_gathered",
]
