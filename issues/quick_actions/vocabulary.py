"""Words behind a slash that are no commands of ours: paths, and commands of GitLab."""

PATHS = frozenset(
    {
        *("applications", "bin", "boot", "dev", "etc", "home", "lib", "library", "media", "mnt"),
        *("opt", "private", "proc", "root", "run", "sbin", "srv", "sys", "system", "tmp", "users"),
        *("usr", "var", "volumes"),
        # Of web pages.
        *("about", "account", "admin", "api", "app", "assets", "cart", "checkout", "contact"),
        *("dashboard", "docs", "download", "downloads", "faq", "health", "help", "images", "index"),
        *("login", "logout", "orders", "profile", "public", "register", "search", "settings"),
        *("shop", "signin", "signup", "static", "uploads", "user"),
    }
)
"""A line that is one of these is a path. `/etc/passwd` does not even look like a command."""

OF_GITLAB = frozenset(
    {
        *("add_contacts", "assign_reviewer", "award", "blocked_by", "board_move", "clear_weight"),
        *("copy_metadata", "epic", "estimate", "estimate_time", "health_status", "iteration"),
        *("milestone", "promote_to", "react", "reassign", "reassign_reviewer", "relabel"),
        *("relate", "remove_estimate", "remove_milestone", "remove_time_spent", "request_review"),
        *("severity", "shrug", "spend", "spend_time", "submit_review", "tableflip", "todo"),
        *("unassign_reviewer", "unlink", "weight", "zoom"),
    }
)
"""People know them from there, so that whoever begins a line with one means a command."""
