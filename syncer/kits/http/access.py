"""Access to a server: user and password."""

import base64

from syncer.api.secrets import remember


def basic_auth(user_and_password: str) -> str:
    """Return the Authorization header for `user:password`; no text shows it from now on."""
    encoded = base64.b64encode(user_and_password.encode()).decode()
    for secret in (user_and_password.partition(":")[2], encoded):
        remember(secret)
    return f"Basic {encoded}"
