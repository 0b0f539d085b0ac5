"""All addresses of the web pages."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("servicedesk.urls")),
    path("", include("incoming_email.urls")),
    path("", include("issues.urls")),
]
