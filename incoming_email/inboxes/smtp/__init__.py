"""Mail that is delivered to our own SMTP or LMTP listener."""
