"""Mail folders of Microsoft Graph."""
