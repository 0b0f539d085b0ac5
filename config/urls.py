"""All addresses of the web pages."""

from django.contrib import admin
from django.urls import include, path

from incoming_email.admin.dashboard import dashboard

urlpatterns = [
    path("admin/dashboard/", admin.site.admin_view(dashboard), name="dashboard"),
    path("admin/", admin.site.urls),
    path("", include("servicedesk.urls")),
    path("", include("incoming_email.urls")),
    path("", include("issues.urls")),
]
