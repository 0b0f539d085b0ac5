"""Every list and page, whoever looks."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from incoming_email.models import Heartbeat, RefusedRecipient
from incoming_email.outcomes import Status
from tests.admin_site import incoming_url as url
from tests.admin_site import page_of
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import (
    InboundEmailFactory,
    MailboxFactory,
    ReplyKeyFactory,
    SenderTokenFactory,
    SeriesPartFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


MODELS = [
    *("mailbox", "inboundemail", "replykey", "sendertoken", "heartbeat", "seriespart"),
    "refusedrecipient",
]


def make_row(model, number=0):
    return {
        "mailbox": MailboxFactory,
        "inboundemail": lambda: ended(Status.REJECTED, sender=f"ada{number}@example.com"),
        "replykey": ReplyKeyFactory,
        "seriespart": SeriesPartFactory,
        "sendertoken": SenderTokenFactory,
        "refusedrecipient": lambda: RefusedRecipient.objects.create(
            at=NOW, recipient=f"{number}@example.com"
        ),
        "heartbeat": lambda: Heartbeat.objects.create(name=f"worker {number}", seen_at=NOW),
    }[model]()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", ["admin", "operator"])
def test_every_list_and_page_opens(request, who, model):
    client, row = request.getfixturevalue(who), make_row(model)

    for address in (url(model, "changelist"), url(model, "change", row.pk)):
        assert client.get(address).status_code == 200
    assert client.get(f"{url(model, 'changelist')}?q=a").status_code == 200
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_waiting_patch_shows_no_key(operator):
    key = ReplyKeyFactory(key="k3y0" * 6 + "k").key
    broken = f"incoming+{key[:9]}\n> {key[9:]}@example.com"
    row = SeriesPartFactory(title=f"for incoming+{key}@example.com", description=f"Mine.\n{broken}")

    pages = [
        operator.get(url("seriespart", "changelist")),
        operator.get(url("seriespart", "change", row.pk)),
    ]

    assert all("for incoming+k3y0…" in page.text for page in pages)
    assert "Mine." in pages[1].text
    assert not any(key in page.text or key[9:] in page.text for page in pages)


@pytest.mark.parametrize("status", Status)
def test_a_row_of_every_status_opens(operator, status):
    row = ended(status)

    assert f'<span class="badge status-{status.value}">' in page_of(operator, row).text


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_the_queries_of_a_short_one(admin, model, django_assert_max_num_queries):
    def count():
        with django_assert_max_num_queries(30) as queries:
            assert admin.get(url(model, "changelist")).status_code == 200
        return len(queries)

    make_row(model)
    count()  # content types are remembered from now on
    short = count()
    for number in range(1, 50):
        make_row(model, number)

    assert count() == short


def test_the_ledger_reads_no_raw_message_and_no_password(admin, django_assert_max_num_queries):
    InboundEmailFactory()

    with django_assert_max_num_queries(30) as queries:
        admin.get(url("inboundemail", "changelist"))

    rows = [query["sql"] for query in queries if "LIMIT" in query["sql"] or "ORDER" in query["sql"]]
    assert any('"incoming_email_inboundemail"."subject"' in sql for sql in rows)
    assert not any('"incoming_email_inboundemail"."raw"' in sql for sql in rows)
    assert not any(
        '"password"' in sql and '"incoming_email_inboundemail"."subject"' in sql for sql in rows
    )


@pytest.mark.parametrize("model", MODELS)
def test_an_operator_changes_and_adds_nothing(operator, model):
    row = make_row(model)

    assert operator.post(url(model, "change", row.pk), {"name": "x"}).status_code == 403
    assert operator.get(url(model, "add")).status_code == 403
    assert operator.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    "model", ["inboundemail", "replykey", "sendertoken", "heartbeat", "refusedrecipient"]
)
def test_nobody_makes_by_hand_what_the_system_writes(admin, model):
    row = make_row(model)

    assert admin.get(url(model, "add")).status_code == 403
    assert admin.post(url(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("replykey", "key__startswith=a"),
        ("inboundemail", "recipient__startswith=incoming"),
        ("inboundemail", "raw__contains=a"),
        ("inboundemail", "mailbox__password__startswith=a"),
        ("sendertoken", "token__startswith=a"),
        ("mailbox", "password__gt=a"),
    ],
)
def test_no_list_tells_a_secret_letter_by_letter(operator, model, query):
    make_row(model)

    assert operator.get(f"{url(model, 'changelist')}?{query}").status_code == 400
