"""What is removed or changed over time: retention, erased people, encryption keys."""
