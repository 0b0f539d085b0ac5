"""Addresses of the pages of team members."""

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

urlpatterns = [
    path("", project_list, name="project-list"),
    path("login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("account/invitation/<str:token>/", invitation, name="account-invitation"),
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
