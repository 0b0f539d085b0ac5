"""Mail from external participants: one handler per kind of address."""
