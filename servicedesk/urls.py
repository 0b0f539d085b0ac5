"""Addresses of the desk's pages."""

from django.urls import path

from servicedesk import views

urlpatterns = [
    path("tickets/leave/<str:token>/", views.leave, name="ticket-leave"),
    path("tickets/files/<str:token>/", views.download, name="ticket-file"),
]
