"""Mailboxes from the configuration files of GitLab: read without evaluating, then loaded."""

from incoming_email.config_files.loading import Loaded, load
from incoming_email.config_files.reading import read
from incoming_email.config_files.types import ConfigFile, UnreadableConfig

__all__ = ["ConfigFile", "Loaded", "UnreadableConfig", "load", "read"]
