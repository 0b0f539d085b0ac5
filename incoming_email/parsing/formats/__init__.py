"""Formats of attachments that hold text or mail: TNEF, RTF, S/MIME, calendars."""
