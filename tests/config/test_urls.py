"""What every address of the site has in common."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def find_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from find_patterns(each)
        else:
            yield each


def test_no_page_but_unsubscribing_takes_a_post_without_the_token_of_a_form() -> None:
    patterns = list(find_patterns(get_resolver()))
    assert len(patterns) > 100
    exempt = {each.name for each in patterns if getattr(each.callback, "csrf_exempt", False)}
    assert exempt == {"unsubscribe", "ticket-leave"}
