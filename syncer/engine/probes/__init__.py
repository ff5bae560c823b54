"""What one probe does: a request, or a connection, and what comes of it.

What outcomes mean is as with Consul's checks. The client libraries are imported when the
first probe of their kind runs.
"""
