"""Addresses of the desk's pages."""

from django.urls import path

from issues.urls import ISSUES
from servicedesk import views
from servicedesk.pages.canned_replies import canned_replies
from servicedesk.pages.custom_email import desk_address, desk_address_act
from servicedesk.pages.held import ticket_held, ticket_held_html
from servicedesk.pages.relating import issue_move, ticket_follow_up, ticket_merge, ticket_snooze
from servicedesk.pages.settings import desk_settings, desk_switch
from servicedesk.pages.tickets import (
    participant_add,
    participant_remove,
    participant_retry,
    ticket_list,
    ticket_spam,
)

DESK = "<project:path>/-/service_desk/"

urlpatterns = [
    path("tickets/leave/<str:token>/", views.leave, name="ticket-leave"),
    path("tickets/files/<str:token>/", views.download, name="ticket-file"),
    path(DESK, ticket_list, name="ticket-list"),
    path(f"{DESK}settings/", desk_settings, name="desk-settings"),
    path(f"{DESK}switch/", desk_switch, name="desk-switch"),
    path(f"{DESK}address/", desk_address, name="desk-address"),
    path(f"{DESK}address/act/", desk_address_act, name="desk-address-act"),
    path(f"{DESK}replies/", canned_replies, name="canned-replies"),
    path(f"{DESK}replies/<int:pk>/", canned_replies, name="canned-reply"),
    path(f"{ISSUES}<int:iid>/spam/", ticket_spam, name="ticket-spam"),
    path(f"{ISSUES}<int:iid>/held_mail/<int:pk>/", ticket_held, name="ticket-held"),
    path(f"{ISSUES}<int:iid>/held_mail/<int:pk>/html/", ticket_held_html, name="ticket-held-html"),
    path(f"{ISSUES}<int:iid>/merge_into/", ticket_merge, name="ticket-merge"),
    path(f"{ISSUES}<int:iid>/follow_up/", ticket_follow_up, name="ticket-follow-up"),
    path(f"{ISSUES}<int:iid>/snooze/", ticket_snooze, name="ticket-snooze"),
    path(f"{ISSUES}<int:iid>/move/", issue_move, name="issue-move"),
    path(f"{ISSUES}<int:iid>/participants/add/", participant_add, name="participant-add"),
    path(f"{ISSUES}<int:iid>/participants/remove/", participant_remove, name="participant-remove"),
    path(f"{ISSUES}<int:iid>/participants/retry/", participant_retry, name="participant-retry"),
]
