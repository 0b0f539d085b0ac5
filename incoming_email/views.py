"""A person's own addresses: those they write from, and the private ones they write to."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from incoming_email.keys import sender_tokens
from incoming_email.models import ReplyKey
from issues.counting import BoundedPaginator
from issues.forms import LanguageForm
from issues.models import User

YEAR_SECONDS = 365 * 24 * 3600
KEYS_A_PAGE = 50
MAX_DIGITS = 19
"""Of an id that a column holds."""


class OwnerRequest(HttpRequest):
    """A request whose view asks for log-in."""

    user: User


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: OwnerRequest) -> HttpResponse:
    """Shows the addresses; POST chooses the language."""
    form = LanguageForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "POST" and form.is_valid():
        return _choose_language(request, form)
    context = {
        "form": form,
        "addresses": EmailAddress.objects.filter(user=request.user).order_by("email"),
    }
    return render(request, "incoming_email/account.html", context)


def _choose_language(request: OwnerRequest, form: LanguageForm) -> HttpResponse:
    """The account's language is for mails, the cookie for pages; people mean both."""
    language = form.cleaned_data["language"]
    request.user.language = language
    request.user.save(update_fields=["language"])
    with translation.override(language):
        messages.success(request, gettext("The language is changed."))
    response = redirect("account")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=YEAR_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_reset(request: OwnerRequest) -> HttpResponse:
    """GET shows what would happen, POST does it."""
    if request.method != "POST":
        return render(request, "incoming_email/token_reset.html")
    sender_tokens.reset_token(user=request.user, now=timezone.now())
    messages.success(
        request,
        gettext("Your private addresses are new. The old ones do not work any more."),
    )
    return redirect(_safe_next(request) or "account")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reply_keys(request: OwnerRequest) -> HttpResponse:
    """Shows the keys by which the person can answer notifications; POST revokes one, or all."""
    now = timezone.now()
    keys = ReplyKey.objects.filter(recipient=request.user, revoked_at=None)
    if request.method == "POST":
        chosen = keys if "all" in request.POST else keys.filter(pk__in=_read_ids(request))
        chosen.update(revoked_at=now)
        messages.success(request, gettext("Revoked. Answers to these notifications are rejected."))
        return redirect("reply-keys")
    keys = keys.select_related("issue__project", "merge_request__project").order_by("-pk")
    page = BoundedPaginator(keys, KEYS_A_PAGE).get_page(request.GET.get("page"))
    rows = [(key, key.is_valid(now)) for key in page]
    return render(request, "incoming_email/reply_keys.html", {"page": page, "rows": rows})


def _read_ids(request: HttpRequest) -> list[int]:
    given = request.POST.get("key", "")
    return [int(given)] if given.isdecimal() and len(given) < MAX_DIGITS else []


def _safe_next(request: HttpRequest) -> str:
    """The page that the person came from, if it is one of ours; else nothing."""
    given = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        given, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return given if ours else ""
