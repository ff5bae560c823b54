"""Health checks that syncer runs itself; outcomes mean the same as those of Consul's checks.

The client libraries are imported when the first probe of their kind runs.
"""
