"""Plain text: lines, characters, charsets."""
