"""The desk's own address: what it is, whether it is proven, and its switch."""

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from issues.services import Invalid
from issues.views.reading import MemberRequest
from servicedesk import custom_email, setting_up
from servicedesk.addresses import find_addresses
from servicedesk.forms import CustomEmailForm
from servicedesk.models import CustomEmail, ServiceDesk, Verification
from servicedesk.pages.settings import find_own_project


def find_own_desk(request: MemberRequest, path: str) -> ServiceDesk:
    """Stored: an address belongs to a desk that was switched on once."""
    desk = setting_up.find_desk(find_own_project(request, path))
    if desk.pk is None:
        raise Http404
    return desk


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def desk_address(request: MemberRequest, path: str) -> HttpResponse:
    """POST saves the address and sends the mail that must come back."""
    desk = find_own_desk(request, path)
    current = custom_email.find_current(desk)
    form = CustomEmailForm(request.POST or None, initial=CustomEmailForm.initial_of(current))
    if request.method == "POST" and form.is_valid():
        try:
            custom = custom_email.set_up(
                desk,
                actor=request.user,
                address=form.cleaned_data["address"],
                server=form.server(),
                now=timezone.now(),
            )
        except Invalid as refusal:
            for sentence in refusal.messages:
                form.add_error(None, sentence)
        else:
            _verify(request, custom)
            return redirect("desk-address", path=path)
    context = {
        "project": desk.project,
        "custom": current,
        "form": form,
        "target": find_addresses(desk).default,
        "outage": None if current is None else custom_email.find_outage(current),
        "is_awaited": current is not None and current.state == Verification.STARTED,
    }
    status = 400 if form.errors else 200
    return render(request, "servicedesk/custom_email.html", context, status=status)


@login_required
@require_POST
def desk_address_act(request: MemberRequest, path: str) -> HttpResponse:
    desk = find_own_desk(request, path)
    custom = custom_email.find_current(desk)
    act = ACTS.get(request.POST.get("act", ""))
    if custom is None or act is None:
        raise Http404
    try:
        act(request, custom)
    except Invalid as refusal:
        messages.error(request, " ".join(refusal.messages))
    return redirect("desk-address", path=path)


def _verify(request: MemberRequest, custom: CustomEmail) -> None:
    ended = custom_email.start_verification(custom, actor=request.user, now=timezone.now())
    if ended.state == Verification.STARTED:
        messages.success(request, gettext("The mail is sent. It must come back to the desk now."))


def _enable(request: MemberRequest, custom: CustomEmail) -> None:
    custom_email.enable(custom, actor=request.user)
    messages.success(request, gettext("The desk writes from its own address."))


def _disable(request: MemberRequest, custom: CustomEmail) -> None:
    custom_email.disable(custom, actor=request.user)
    messages.success(request, gettext("The desk writes from our address. Mail is taken still."))


def _retire(request: MemberRequest, custom: CustomEmail) -> None:
    custom_email.retire(custom, actor=request.user, now=timezone.now())
    messages.success(request, gettext("The desk has no address of its own any more."))


ACTS: Mapping[str, Callable[[MemberRequest, CustomEmail], None]] = {
    "verify": _verify,
    "enable": _enable,
    "disable": _disable,
    "retire": _retire,
}
