"""The admin of people, projects, what is said about them, and the mail that goes out."""

from issues.admin import items, outgoing, people, projects, versions

__all__ = ["items", "outgoing", "people", "projects", "versions"]
