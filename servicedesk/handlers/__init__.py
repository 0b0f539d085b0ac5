"""Mail from outside: one handler a kind of address."""
