"""What nests beyond all sense, however the ends of its elements are made to look."""

import pytest

from incoming_email.parsing.html.cleaning import MAX_DEPTH, is_bomb
from tests.growing import assert_linear


@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<div></b>",
        "</b><code>",
        "<div></ div>",
        "<div><!--</div>-->",
        "<div><!--></div--!>",
        "<div><?</div>",
        "<div><![CDATA[</div>]]>",
        "<div><style></div></style>",
        "<div><TITLE></div></title >",
        '<div><p title="</div>">',
        "<div><p title = '</div>'>",
        "<div><p a'=\"'></div>\">",
    ],
)
def test_only_what_ends_an_element_does_so(unit):
    assert is_bomb(unit * (MAX_DEPTH + 1))
    assert not is_bomb(unit * 30)


@pytest.mark.parametrize(
    "unit",
    [
        "<div></div>",
        "<DIV a=b></div>",
        "<div/a></div x>",
        "<!--[if mso]><table><tr><td><![endif]-->",
        "<script>'<div><div>'</script>",
        '<div title="<div>"></div>',
        "<p><li><td>",
        "</b></i>",
    ],
)
def test_what_is_ended_or_no_tag_does_not_nest(unit):
    assert not is_bomb(unit * 10 * MAX_DEPTH)


@pytest.mark.growth
@pytest.mark.parametrize(
    "unit", ["<!--", "<?", "<style>", "<a b='", '<a b="', "<a =", "<a b= ", "</", "<a /", "<a b c "]
)
def test_time_grows_with_the_length(unit):
    assert_linear(is_bomb, lambda size: unit * (size // len(unit)), 100_000, 800_000)
