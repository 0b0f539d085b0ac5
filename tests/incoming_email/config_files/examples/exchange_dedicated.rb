# Exchange Server: dedicated address, replies only
gitlab_rails['incoming_email_enabled'] = true

gitlab_rails['incoming_email_address'] = "incoming@exchange.example.com"

# Usually the user principal name (UPN)
gitlab_rails['incoming_email_email'] = "incoming@ad-domain.example.com"
# Password of the account
gitlab_rails['incoming_email_password'] = "[REDACTED]"

gitlab_rails['incoming_email_host'] = "exchange.example.com"
gitlab_rails['incoming_email_port'] = 993
gitlab_rails['incoming_email_ssl'] = true

# Remove what was deleted for good
gitlab_rails['incoming_email_expunge_deleted'] = true
