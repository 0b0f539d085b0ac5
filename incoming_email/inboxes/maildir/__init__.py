"""Maildir folders."""
