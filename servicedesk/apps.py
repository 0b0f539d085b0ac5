"""Registration of the app, and of all that it gives to the layers below."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServicedeskConfig(AppConfig):
    name = "servicedesk"
    verbose_name = _("Service desk")

    def ready(self) -> None:
        # The models come first.
        from incoming_email.demo import DEMO_DESK  # noqa: PLC0415
        from incoming_email.handlers.copied import COPIED_PEOPLE  # noqa: PLC0415
        from incoming_email.keys.own_addresses import FORWARDED_ADDRESSES  # noqa: PLC0415
        from incoming_email.pipeline.telling import REFUSED_MAIL  # noqa: PLC0415
        from incoming_email.upkeep.erasing import ERASERS, Eraser  # noqa: PLC0415
        from issues.bearer_secrets import SIGNED_LINKS  # noqa: PLC0415
        from issues.notifications import MAIL_SOURCES  # noqa: PLC0415
        from issues.outbox import (  # noqa: PLC0415
            GIVEN_UP,
            MAIL_ACCOUNTS_IN_USE,
            MAIL_CONNECTIONS,
        )
        from issues.services.changing import KEPT_CONFIDENTIAL  # noqa: PLC0415
        from issues.services.outside import MAILED_OUTSIDE  # noqa: PLC0415
        from issues.services.relating import DUPLICATE_NOTICES  # noqa: PLC0415
        from servicedesk import (  # noqa: PLC0415
            closing,
            demo,
            erasing,
            joining,
            links,
            mails,
            participants,
            refusals,
            unreached,
        )
        from servicedesk.custom_email import addressing, connecting  # noqa: PLC0415

        MAIL_SOURCES.register(mails.make_mails)
        MAILED_OUTSIDE.register(participants.is_mailed_outside)
        MAIL_CONNECTIONS.register(connecting.find_connection)
        MAIL_ACCOUNTS_IN_USE.register(connecting.find_accounts_in_use)
        GIVEN_UP.register(unreached.note_given_up)
        FORWARDED_ADDRESSES.register(addressing.find_keys)
        REFUSED_MAIL.register(refusals.tell_team)
        ERASERS.register(Eraser("servicedesk", erasing.erase_person))
        SIGNED_LINKS.register(links.is_token)
        COPIED_PEOPLE.register(joining.let_copied_in)
        KEPT_CONFIDENTIAL.register(closing.why_confidential)
        DUPLICATE_NOTICES.register(closing.tell_of_duplicate)
        DEMO_DESK.register(demo.open_desk)
