"""Notifications without a mail that caused them: a mailbox that fails, mail that waits."""
