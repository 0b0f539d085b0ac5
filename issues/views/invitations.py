"""The page behind the link of an invitation."""

from allauth.account.forms import ResetPasswordKeyForm
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from issues import services


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks for a password, POST sets it; whoever has the link is who it was mailed to."""
    address = services.find_invited(token)
    if address is None:
        return render(request, "account/invitation.html", status=404)
    form = ResetPasswordKeyForm(request.POST or None, user=address.user)
    if request.method == "POST" and form.is_valid():
        services.accept_invitation(address=address, password=form.cleaned_data["password1"])
        messages.success(request, _("Your password is set. Log in with it."))
        return redirect("account_login")
    return render(request, "account/invitation.html", {"address": address, "form": form})
