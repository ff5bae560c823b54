"""Asks the status page whether syncer's threads live; the image's HEALTHCHECK.

Nothing listens if syncer runs without the page, or with one elsewhere: that says nothing.
"""

import http.client
import sys

port = int(sys.argv[1]) if sys.argv[1:] else 8520
page = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
try:
    page.request("GET", "/healthz")
except ConnectionRefusedError:
    sys.exit()
sys.exit(page.getresponse().status != 200)
