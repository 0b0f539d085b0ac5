"""Addresses of the pages about a person's own addresses, and of those that machines ask."""

from django.urls import path

from incoming_email.monitoring.pages import health_view, metrics_view
from incoming_email.views import account, reply_keys, token_reset

urlpatterns = [
    path("health/", health_view, name="health"),
    path("metrics", metrics_view, name="metrics"),
    path("account/", account, name="account"),
    path("account/reply-keys/", reply_keys, name="reply-keys"),
    path("account/reset-addresses/", token_reset, name="token-reset"),
]
