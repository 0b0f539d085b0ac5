"""What people are told without having written: a mailbox that fails, mail that waits."""
