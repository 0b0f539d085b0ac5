"""People and their addresses."""

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from issues import services
from issues.admin.rows import TypedTabular, lookups_of
from issues.counting import BoundedPaginator
from issues.mail_addresses import find_spellings
from issues.models import User
from issues.outbox import leaves_the_machine

if TYPE_CHECKING:
    _AddressForm = forms.ModelForm[EmailAddress]
    _UserAdmin = BaseUserAdmin[User]
    _CreationForm = AdminUserCreationForm[User]
else:
    _AddressForm = forms.ModelForm
    _UserAdmin, _CreationForm = BaseUserAdmin, AdminUserCreationForm

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
TAKEN = _("Another account has this address. Give a different one, or use that account.")
NO_SERVER = _(
    "No mail leaves this machine yet, since outgoing mail is not set up: set EMAIL_URL before you"
    " invite somebody, or give them a password yourself."
)


# Where only those may edit who may edit the person: below.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


class EmailAddressForm(_AddressForm):
    class Meta:
        model = EmailAddress
        fields = ("email", "verified")

    def clean(self) -> None:
        email = str(self.cleaned_data.get("email", "")).lower()
        others = EmailAddress.objects.filter(
            email__in=find_spellings(email), verified=True
        ).exclude(pk=self.instance.pk)
        if self.cleaned_data.get("verified") and others.exists():
            self.add_error("email", TAKEN)


class EmailAddressInline(TypedTabular[EmailAddress]):
    """Whoever may edit a person vouches for the addresses that they tick as verified."""

    model = EmailAddress
    form = EmailAddressForm
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perms(["issues.view_user"]) or self._may_edit(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request)

    @staticmethod
    def _may_edit(request: HttpRequest) -> bool:
        return request.user.has_perms(["issues.change_user"])


def _describe_invitation() -> str:
    days: int = settings.INVITATION_DAYS
    said = ngettext(
        "They get a mail with a link, valid for %(days)d day, by which they set their password and"
        " verify the address; give none here.",
        "They get a mail with a link, valid for %(days)d days, by which they set their password and"
        " verify the address; give none here.",
        days,
    ) % {"days": days}
    return said if leaves_the_machine() else f"{said} {NO_SERVER}"


class UserCreationForm(_CreationForm):
    """Without an address no mail reaches the person, and none of theirs is recognised."""

    class Meta:
        model = User
        fields = ("username", "email")

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("Mail goes there. It counts as verified, since you vouch for it."),
    )
    invite = forms.BooleanField(label=_("Invite by mail"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["invite"].help_text = _describe_invitation()

    def clean(self) -> Any:
        if self.cleaned_data.get("invite"):
            self.cleaned_data["usable_password"] = "false"  # noqa: S105
        return super().clean()

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        if EmailAddress.objects.filter(email__in=find_spellings(email), verified=True).exists():
            raise ValidationError(TAKEN)
        return email


@admin.register(User)
class UserAdmin(_UserAdmin):
    add_form = UserCreationForm
    inlines = (EmailAddressInline,)
    list_display = ("username", "full_name", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "language")
    search_fields = ("username", "first_name", "last_name", "email", "emailaddress__email")
    ordering = ("username",)
    actions = ("invite", "reset_second_factor")
    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language")}),
        (_("Rights"), {"fields": ("is_active", *RIGHTS)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    *("username", "email", "invite"),
                    *("usable_password", "password1", "password2"),
                ),
            },
        ),
    )

    @admin.action(description=_("Send an invitation"), permissions=["change"])
    def invite(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """To those who never logged in, of whom the acting person may edit the account."""
        chosen = [
            user
            for user in queryset
            if services.can_be_invited(user) and self.has_change_permission(request, user)
        ]
        for user in chosen:
            with transaction.atomic():
                services.invite(user=user, now=timezone.now())
                self.log_change(request, user, str(_("Invited.")))
        said = ngettext(
            "%(count)d person was invited; those who have logged in before are left alone.",
            "%(count)d people were invited; those who have logged in before are left alone.",
            len(chosen),
        )
        level = messages.SUCCESS if chosen else messages.WARNING
        self.message_user(request, said % {"count": len(chosen)}, level)
        if chosen and not leaves_the_machine():
            self.message_user(request, NO_SERVER, messages.WARNING)

    def has_reset_second_factor_permission(self, request: HttpRequest) -> bool:
        """Whoever may set passwords would take accounts over with this as well."""
        return _is_superuser(request)

    @admin.action(description=_("Reset the second factor"), permissions=["reset_second_factor"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """They are told by mail."""
        count = 0
        for user in queryset:
            with transaction.atomic():
                if services.reset_second_factor(user=user, now=timezone.now()):
                    self.log_change(request, user, str(_("Reset the second factor.")))
                    count += 1
        said = ngettext(
            "The second factor of %(count)d person was taken away.",
            "The second factors of %(count)d people were taken away.",
            count,
        )
        self.message_user(request, said % {"count": count}, messages.SUCCESS)

    @admin.display(description=_("name"), ordering="last_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """As GuardedAdmin: only what the filters offer."""
        column = lookup.partition("__")[0]
        offered = lookups_of(self.get_list_filter(request))
        return column in offered and super().lookup_allowed(lookup, value, request)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """A new person has the one address of the form."""
        return () if obj is None else self.inlines

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Whoever may edit people must not be able to make themselves an administrator."""
        readonly = ("last_login", "date_joined")
        return readonly if _is_superuser(request) else (*readonly, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nor to take over the account of one."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_superuser(request))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            invited = form.cleaned_data["invite"]
            services.add_email_address(user=obj, address=obj.email, verified=not invited)
            if invited:
                services.invite(user=obj, now=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        services.choose_primary_address(form.instance)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser
