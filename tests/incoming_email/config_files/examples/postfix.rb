# Postfix: sub-addressing
gitlab_rails['incoming_email_enabled'] = true

# The address with the placeholder %{key}, in front of the `@`.
gitlab_rails['incoming_email_address'] = "incoming+%{key}@gitlab.example.com"

# User and password of the account
gitlab_rails['incoming_email_email'] = "incoming"
gitlab_rails['incoming_email_password'] = "[REDACTED]"

# IMAP server: name, port, encryption
gitlab_rails['incoming_email_host'] = "gitlab.example.com"
gitlab_rails['incoming_email_port'] = 143
gitlab_rails['incoming_email_ssl'] = false
gitlab_rails['incoming_email_start_tls'] = false

# Folder, and the time of one IDLE
gitlab_rails['incoming_email_mailbox_name'] = "inbox"
gitlab_rails['incoming_email_idle_timeout'] = 60

gitlab_rails['incoming_email_delete_after_delivery'] = true
gitlab_rails['incoming_email_expunge_deleted'] = true
