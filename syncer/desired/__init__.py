"""From what runs to what should be registered, with the reason for each answer."""
