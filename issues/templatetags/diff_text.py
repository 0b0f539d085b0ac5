"""Text that comes out of a repository, with letters made visible that nobody would see."""

from django import template
from django.utils.safestring import SafeString

from issues.diffs import show_text

register = template.Library()


@register.filter
def diff_text(text: str) -> SafeString:
    """Escaped; names, subjects and messages are what anybody may have written."""
    return show_text(text)
