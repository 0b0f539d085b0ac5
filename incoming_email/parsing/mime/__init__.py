"""MIME: headers, parts, charsets of parts, addresses."""
