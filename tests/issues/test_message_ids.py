"""Ids of any length have a name that fits its column and is theirs alone."""

import pytest

from issues.models import find_names, id_columns, name_id

LONG = "x" * 900


@pytest.mark.parametrize("message_id", ["", "a@example.com", "x" * 255])
def test_an_id_that_fits_is_its_own_name(message_id):
    assert id_columns(message_id) == {"message_id": message_id, "long_message_id": None}
    assert find_names([message_id]) == {message_id: message_id}


def test_long_ids_that_begin_alike_have_names_of_their_own():
    names = {name_id(f"{LONG}{end}@example.com") for end in ("a", "b", "é", "\udce9")}
    assert len(names) == 4
    assert {len(name) for name in names} == {255}
    assert id_columns(LONG) == {"message_id": name_id(LONG), "long_message_id": LONG}


def test_a_cut_id_of_an_earlier_version_is_looked_up_too():
    assert find_names([LONG, "b"]) == {name_id(LONG): LONG, LONG[:255]: LONG, "b": "b"}
