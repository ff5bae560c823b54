"""Sites of a status page, and a browser to look at them."""

from servers.webpage_fixtures import browse, chromium, site

__all__ = ["browse", "chromium", "site"]
