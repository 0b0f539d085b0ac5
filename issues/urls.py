"""Addresses of the pages of team members."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from django.views.generic import RedirectView

from issues.views.actions import ACTION_WORDS, item_action
from issues.views.changes import merge_request_changes
from issues.views.files import upload
from issues.views.help import quick_actions
from issues.views.invitations import invitation
from issues.views.issues import issue_detail, issue_list, issue_new
from issues.views.leaving import unsubscribe
from issues.views.merge_requests import merge_request_detail, merge_request_list
from issues.views.project_mail import project_mail
from issues.views.projects import project_detail, project_list

PART = r"[a-z0-9][a-z0-9._-]*"


class ProjectConverter(StringConverter):
    """A project's path. No part of one is "-", so the "/-/" after it ends it without doubt."""

    regex = rf"{PART}(?:/{PART})*"


class SecretConverter(StringConverter):
    regex = "[0-9a-f]{32}"


class ActionConverter(StringConverter):
    regex = ACTION_WORDS


register_converter(ProjectConverter, "project")
register_converter(SecretConverter, "secret")
register_converter(ActionConverter, "action")

PROJECT = "<project:path>/-/"
ISSUES = f"{PROJECT}issues/"
MERGE_REQUESTS = f"{PROJECT}merge_requests/"


def _as_one(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What a form changes of an account, and the mail about it, are written together or not."""

    @wraps(view)
    def call(request: HttpRequest, *words: Any, **named: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *words, **named)
        with transaction.atomic():
            return view(request, *words, **named)

    return call


_ACCOUNT_CHANGES = [
    path("email/", _as_one(account.email), name="account_email"),
    path("password/change/", _as_one(account.password_change), name="account_change_password"),
    path("password/set/", _as_one(account.password_set), name="account_set_password"),
    path("second-factor/totp/activate/", _as_one(totp.activate_totp), name="mfa_activate_totp"),
    path(
        "second-factor/totp/deactivate/", _as_one(totp.deactivate_totp), name="mfa_deactivate_totp"
    ),
    path(
        "second-factor/recovery-codes/generate/",
        _as_one(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("second-factor/webauthn/add/", _as_one(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path(
        "second-factor/webauthn/keys/<int:pk>/remove/",
        _as_one(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
]
"""Before those of allauth that have the same paths."""

urlpatterns = [
    path("", project_list, name="project-list"),
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("account/invitation/<str:token>/", invitation, name="account-invitation"),
    path("account/", include(_ACCOUNT_CHANGES)),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("account/", include("allauth.account.urls")),
    path("uploads/<secret:secret>/<str:filename>", upload, name="upload"),
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("help/quick-actions/", quick_actions, name="quick-actions"),
    path(ISSUES, issue_list, name="issue-list"),
    path(f"{ISSUES}new/", issue_new, name="issue-new"),
    path(f"{ISSUES}<int:iid>/", issue_detail, name="issue-detail"),
    path(
        f"{ISSUES}<int:iid>/<action:action>/", item_action, {"kind": "issues"}, name="issue-action"
    ),
    path(MERGE_REQUESTS, merge_request_list, name="merge-request-list"),
    path(f"{MERGE_REQUESTS}<int:iid>/", merge_request_detail, name="merge-request-detail"),
    path(
        f"{MERGE_REQUESTS}<int:iid>/changes/", merge_request_changes, name="merge-request-changes"
    ),
    path(
        f"{MERGE_REQUESTS}<int:iid>/<action:action>/",
        item_action,
        {"kind": "merge_requests"},
        name="merge-request-action",
    ),
    path("<project:path>/-/mail/", project_mail, name="project-mail"),
    path("<project:path>/", project_detail, name="project-detail"),
]
