"""Addresses of the pages about a person's own addresses and about held mail, and of those that
machines ask."""

from django.urls import path

from incoming_email.held_pages import held_mail, held_message, held_message_html
from incoming_email.monitoring.pages import health_view, metrics_view
from incoming_email.views import account, reply_keys, token_reset
from issues.urls import PROJECT

HELD_MAIL = f"{PROJECT}held_mail/"

urlpatterns = [
    path("health/", health_view, name="health"),
    path("metrics", metrics_view, name="metrics"),
    path("account/", account, name="account"),
    path(HELD_MAIL, held_mail, name="held-mail"),
    path(f"{HELD_MAIL}spam/", held_mail, {"spam": True}, name="held-spam"),
    path(f"{HELD_MAIL}<int:pk>/", held_message, name="held-message"),
    path(f"{HELD_MAIL}<int:pk>/html/", held_message_html, name="held-message-html"),
    path("account/reply-keys/", reply_keys, name="reply-keys"),
    path("account/reset-addresses/", token_reset, name="token-reset"),
]
