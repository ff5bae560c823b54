"""What each test run used: the list of real servers at its end."""

from collections import Counter

import pytest


class Usage:
    """Which servers were started, how many tests used each, and which were left out and why."""

    def __init__(self):
        self.versions = {}
        self.tests = Counter()
        self.left_out = {}

    def lines(self):
        """The summary's lines."""
        for server, version in sorted(self.versions.items()):
            yield f"{server} {version}: used by {_tests(self.tests[server])}"
        for server, reason in sorted(self.left_out.items()):
            yield f"LEFT OUT: {server}: {reason}"


def _tests(number):
    return f"{number} test" if number == 1 else f"{number} tests"


USAGE = pytest.StashKey[Usage]()
