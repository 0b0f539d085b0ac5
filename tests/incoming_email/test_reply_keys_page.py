"""People see and revoke their own reply keys."""

import pytest

from incoming_email.models import ReplyKey
from tests.factories import UserFactory
from tests.incoming_email.factories import ReplyKeyFactory

pytestmark = pytest.mark.django_db
PAGE = "/account/reply-keys/"


def test_one_is_revoked_or_all_and_only_ones_own(client):
    ada = UserFactory()
    mine, second = ReplyKeyFactory.create_batch(2, recipient=ada)
    other = ReplyKeyFactory()
    client.force_login(ada)
    page = client.get(PAGE).text
    assert str(mine.item) in page
    assert f"{mine.key[:4]}…" in page
    assert mine.key not in page
    assert str(other.item) not in page
    revoked = ReplyKey.objects.exclude(revoked_at=None)

    for given in (mine.pk, other.pk, "x", "9" * 30):
        client.post(PAGE, {"key": given})
    assert list(revoked.all()) == [mine]
    client.post(PAGE, {"all": "1"})
    assert set(revoked.all()) == {mine, second}


@pytest.mark.parametrize("count", [1, 60])
def test_the_same_statements_however_many_keys(client, count, django_assert_max_num_queries):
    ada = UserFactory()
    ReplyKeyFactory.create_batch(count, recipient=ada)
    client.force_login(ada)

    with django_assert_max_num_queries(5):
        assert client.get(PAGE).status_code == 200


def test_strangers_log_in_first(client):
    assert client.get(PAGE).headers["Location"].startswith("/account/login/")
