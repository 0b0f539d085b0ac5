"""Encrypted fields and files."""
