"""Mail to a person's private address of a project makes a merge request of the patches in it."""

import re
from typing import ClassVar

from incoming_email import patch_mails
from incoming_email.handlers.base import Context, Target
from incoming_email.handlers.project_keys import PREFIX, find_target
from incoming_email.handlers.texts import acting_for, new_files, outcome_of
from incoming_email.keys.answered import find_answered
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from incoming_email.patch_mails import MailedPatches
from issues.models import User


class MergeRequestHandler:
    name: ClassVar[str] = "merge_request"
    pattern: ClassVar[re.Pattern[str]] = re.compile(f"{PREFIX}-merge-request")
    example: ClassVar[str] = "acme-shop-20-05k9t3m1q7z2w8x4c6v0b5n1h-merge-request"
    sender_policy: ClassVar[str] = "token_sender_policy"
    project_switch: ClassVar[str] = "merge_requests_by_mail"
    secret_key: ClassVar[bool] = False
    refused_at_rcpt: ClassVar[bool] = False
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        return find_target(key)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """The subject is the branch; that of a patch mail is none, and becomes the title."""
        author = target.author
        if author is None:
            raise Rejected(Reason.NOT_FOUND)
        try:
            return self._propose(email, target, author, context)
        except Rejected as error:
            waiting = patch_mails.find_waiting(
                email,
                project=target.project,
                author=author,
                inbound_email_id=context.inbound_email_id,
            )
            raise Rejected(error.refusal.reason, error.refusal.detail, waiting) from error

    def _propose(
        self, email: ParsedEmail, target: Target, author: User, context: Context
    ) -> Outcome:
        mailed = patch_mails.read_patches(email)
        with acting_for(author):
            if patch_mails.is_part(email, mailed, project=target.project, author=author):
                return self._take_part(email, mailed, target, author, context)
            patches = mailed.as_set(context.source, context.received)
            answered = find_answered(patch_mails.thread_of(email), author=author)
            texts = mailed.texts(email, new_files(email, context.inbound_email_id), answered)
            thread = patch_mails.thread_of(email) if mailed.tag and mailed.mails else []
            merge_request = patch_mails.find_merge_request(target.project, thread)
            if merge_request is not None:
                written = patch_mails.update(
                    merge_request=merge_request, author=author, texts=texts, patches=patches
                )
            else:
                written = patch_mails.propose(
                    project=target.project, author=author, texts=texts, patches=patches
                )
        return outcome_of(written, opened=True)

    def _take_part(
        self,
        email: ParsedEmail,
        mailed: MailedPatches,
        target: Target,
        author: User,
        context: Context,
    ) -> Outcome:
        written = patch_mails.take_part(
            email,
            mailed,
            project=target.project,
            author=author,
            inbound_email_id=context.inbound_email_id,
            now=context.received,
        )
        if written is not None:
            return outcome_of(written, opened=True)
        return Outcome(f"patch {mailed.tag.position if mailed.tag else ''} kept")
