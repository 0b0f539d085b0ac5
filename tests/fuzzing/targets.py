"""What is fuzzed: for each target the code that reads, and what must hold of all that it reads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzzing import addresses, mails, texts
from tests.fuzzing.texts import find_words
from tests.incoming_email.parsing import test_html_properties, test_never_raises
from tests.incoming_email.parsing import test_reply_properties as reply_properties
from tests.issues.rendering import test_properties as rendering_properties

KEPT = Path(__file__).parent / "kept"
MAIL_WORDS = [*test_never_raises.FRAGMENTS, *(b"\n%s: " % n for n in test_never_raises.NAMES)]


@dataclass(frozen=True, slots=True)
class Target:
    read: Callable[[bytes], object]
    """The code alone, whose time must grow with the length only. Raises nothing."""

    check: Callable[[bytes], None]
    """Reads as well, and raises AssertionError where something does not hold."""

    seeds: Callable[[], list[bytes]]
    words: Iterable[bytes | str] = ()
    """What an input is made of, beside bytes."""

    longest: int = 4096
    """Bytes of an input. What is longer says the same more slowly."""

    weight: int = 1
    """How much of the time it has."""

    @property
    def pieces(self) -> list[bytes]:
        """The words as bytes."""
        return [
            word if isinstance(word, bytes) else word.encode(errors="replace")
            for word in self.words
            if word
        ]


def _replies() -> list[bytes]:
    return [*texts.find_samples("replies.txt", "header-blocks.txt", "own-text.txt"), *mails.SAMPLES]


TARGETS = {
    "message": Target(
        mails.read_message, mails.check_message, lambda: mails.SAMPLES, MAIL_WORDS, 16_384, 3
    ),
    "header": Target(mails.read_header, mails.check_header, mails.find_headers, MAIL_WORDS, 512),
    "bounces": Target(
        mails.read_bounce,
        mails.check_bounce,
        mails.find_bounces,
        [*MAIL_WORDS, *find_words("bounces")],
    ),
    "patches": Target(
        mails.read_patch_mail,
        mails.check_patch_mail,
        mails.find_patch_mails,
        [*MAIL_WORDS, *find_words("patches")],
        8192,
    ),
    "signatures": Target(
        mails.read_signed, mails.check_signed, mails.find_signed, find_words("signatures")
    ),
    "formats": Target(
        mails.read_format, mails.check_format, mails.find_formats, find_words("formats"), 2048
    ),
    "results": Target(
        addresses.read_results,
        addresses.check_results,
        addresses.find_results,
        find_words("results"),
        512,
    ),
    "keys": Target(
        addresses.read_keys, addresses.check_keys, addresses.find_addresses, find_words("keys"), 256
    ),
    "quick_actions": Target(
        texts.read_commands, texts.check_commands, texts.find_commands, find_words("quick_actions")
    ),
    "html": Target(
        texts.read_html,
        texts.check_html,
        lambda: [*texts.find_samples("html-replies.txt"), *texts.find_html()],
        test_html_properties.PIECES,
        8192,
        3,
    ),
    "markdown": Target(
        texts.read_markdown,
        texts.check_markdown,
        lambda: [*texts.find_samples("own-text.txt"), *map(str.encode, texts.MARKDOWN)],
        rendering_properties.PIECES,
        weight=2,
    ),
    "replies": Target(
        texts.read_reply, texts.check_reply, _replies, reply_properties.PIECES, weight=2
    ),
    "redaction": Target(
        texts.read_secrets, texts.check_secrets, texts.find_secrets, find_words("redaction")
    ),
}


def find_kept(name: str) -> list[Path]:
    """Inputs by which something was found once."""
    return sorted((KEPT / name).glob("*"))
