"""What mail programs do to patches, undone where it is certain: line ends, and format=flowed."""

from issues.patches.checking import hunks_are_whole

_STUFFED = (b" ", b">", b"From ")


def mend(content: bytes, *, is_flowed: bool = False) -> bytes:
    """The patch as it was sent.

    Every line ends in CRLF: that is how mail travels, so one CR a line goes. Only some do: the
    patch changes a file that has them. format=flowed (RFC 3676) is undone only if afterwards
    each hunk has as many lines as it promises.
    """
    lines = content.split(b"\n")
    whole = lines[:-1] if lines[-1] == b"" else lines
    if whole and all(line.endswith(b"\r") for line in whole):
        lines = [line.removesuffix(b"\r") for line in lines]
    if is_flowed and not (hunks_are_whole(lines) and not _looks_stuffed(lines)):
        lines = _undo_flowed(lines)
    return b"\n".join(lines)


def _looks_stuffed(lines: list[bytes]) -> bool:
    """Context lines of a patch start with one space; if all start with two, one is too many."""
    spaced = [line for line in lines if line.startswith(b" ") and line.strip()]
    return bool(spaced) and all(line.startswith(b"  ") for line in spaced)


def _undo_flowed(lines: list[bytes]) -> list[bytes]:
    for mended in (_unstuff(lines), _join_soft_breaks(lines)):
        if hunks_are_whole(mended):
            return mended
    return lines


def _unstuff(lines: list[bytes]) -> list[bytes]:
    """RFC 3676, 4.4: a space was put before lines that start with a space, `>` or `From `."""
    return [
        line[1:] if line.startswith(b" ") and line[1:].startswith(_STUFFED) else line
        for line in lines
    ]


def _join_soft_breaks(lines: list[bytes]) -> list[bytes]:
    """RFC 3676, 4.2: a line that ends in a space goes on in the next one."""
    joined: list[list[bytes]] = []
    is_open = False
    for line in lines:
        content = line[1:] if line.startswith(b" ") else line
        if is_open:
            joined[-1].append(content)
        else:
            joined.append([content])
        is_open = content.endswith(b" ") and content != b"-- "
    return [b"".join(pieces) for pieces in joined]
