"""Which of several texts of a message its sender wrote as the body."""

from collections.abc import Mapping, Sequence

from incoming_email.parsing.mime.bodies import Form, Fragment
from incoming_email.parsing.mime.structure import Part

_Places = Mapping[int, tuple[Part, int]]
"""By `id` of a part: its container, and its number there."""


def count_own(root: Part, fragments: Sequence[Fragment], *, is_bulk: bool) -> int:
    """How many of `fragments`, from the first on, are the sender's own body.

    A further text is most often another's: the footer of a list, the notice of a virus scanner, a
    text passed on. It counts only where Apple Mail has cut a body in pieces around pictures. A
    list may put its own text even above the body, and Mailman gives that a disposition.
    """
    if len(fragments) <= 1:
        return len(fragments)
    if is_bulk:
        return 0 if fragments[0].part.disposition.main else 1
    places = {id(each): (part, at) for part in root.walk() for at, each in enumerate(part.children)}
    count = 1
    while count < len(fragments) and _goes_on(places, *fragments[count - 1 : count + 1]):
        count += 1
    return count


def _goes_on(places: _Places, above: Fragment, below: Fragment) -> bool:
    """One of Apple's containers holds both, with pictures shown in the text between them and
    nothing else. What adds a text to a mail gives it a disposition, as Apple Mail does not."""
    if Form.HTML in {above.form, below.form} or below.part.disposition.main:
        return False
    if id(above.part) not in places or id(below.part) not in places:
        return False
    (container, first), (other, last) = places[id(above.part)], places[id(below.part)]
    boundary = container.content_type.parameters.get("boundary", "")
    if container is not other or not boundary.startswith("Apple-Mail"):
        return False
    between = container.children[first + 1 : last]
    return bool(between) and all(map(_is_shown_picture, between))


def _is_shown_picture(part: Part) -> bool:
    return part.type.startswith("image/") and part.disposition.main == "inline"
