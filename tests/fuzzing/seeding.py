"""Seeds and dictionaries as files, where libFuzzer reads them."""

import hashlib

from tests.fuzzing.judging import FOUND
from tests.fuzzing.targets import Target, find_kept

LONGEST_WORD = 64
"""Of a dictionary of libFuzzer."""


def write_inputs(name: str, target: Target) -> None:
    folder = FOUND / name
    for place in ("seeds", "corpus", "found"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for data in [*target.seeds(), *(path.read_bytes() for path in find_kept(name))]:
        (folder / "seeds" / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    (folder / "words").write_text("".join(_quote(word) for word in target.pieces))


def _quote(word: bytes) -> str:
    quoted = "".join(f"\\x{byte:02x}" for byte in word)
    return f'"{quoted}"\n' if len(word) <= LONGEST_WORD else ""
