"""All addresses of the web pages."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from incoming_email.admin.dashboard import dashboard

# One log-in, and one change of the password, for the console and the other pages.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
CHANGE_PASSWORD = RedirectView.as_view(pattern_name="account_change_password")

urlpatterns = [
    path("admin/dashboard/", admin.site.admin_view(dashboard), name="dashboard"),
    path("admin/password_change/", CHANGE_PASSWORD),
    path("admin/", admin.site.urls),
    path("", include("servicedesk.urls")),
    path("", include("incoming_email.urls")),
    path("", include("issues.urls")),
]
