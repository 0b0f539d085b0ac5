"""What may stand in HTML that we show: of a message in its frame, or of a text on our pages."""

from html.parser import HTMLParser

FORBIDDEN = {
    *(
        "script",
        "iframe",
        "frame",
        "object",
        "embed",
        "applet",
        "svg",
        "math",
        "form",
        "base",
        "meta",
    ),
    *("link", "template", "noscript", "audio", "video", "source", "track", "textarea", "button"),
}


class _Reader(HTMLParser):
    def __init__(self, *, is_page: bool) -> None:
        super().__init__()
        self.is_page = is_page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN, tag
        assert self.is_page is False or tag != "style"
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {
                "action",
                "formaction",
                "srcset",
                "background",
                "ping",
                "xlink:href",
            }
            if name == "src" and not self.is_page:
                assert (value or "").startswith("data:image/"), value
            if name == "href":
                assert self.is_page
                assert (
                    not (value or "")
                    .strip()
                    .lower()
                    .startswith(("javascript:", "data:", "vbscript:"))
                )


def assert_harmless(html: str, *, is_page: bool) -> None:
    """`is_page`: of a page of ours, where links stay and no style comes in."""
    reader = _Reader(is_page=is_page)
    reader.feed(html)
    reader.close()
