"""Addresses of the pages about a person's own addresses."""

from django.urls import path

from incoming_email.views import account, token_reset

urlpatterns = [
    path("account/", account, name="account"),
    path("account/reset-addresses/", token_reset, name="token-reset"),
]
