"""IMAP folders (RFC 9051 and 3501)."""
