"""The admin of people, projects, items and outgoing mail."""

from issues.admin import items, outgoing, people, projects, versions

__all__ = ["items", "outgoing", "people", "projects", "versions"]
