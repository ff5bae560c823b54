"""A real Prometheus, as a consumer: what it discovers in registries that syncer filled."""

import json
import re
import shutil
import subprocess
import urllib.request

from servers.process import Server, free_port

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def missing():
    """Why no Prometheus can be started here, in words; empty if one can."""
    return "" if shutil.which("prometheus") else "not on the PATH: prometheus"


def version():
    """The version of the prometheus program."""
    run = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return re.search(r"version ([\d.]+)", run.stdout + run.stderr).group(1)


class Prometheus:
    """Discovers, and never scrapes for long; jobs are named and given as discovery settings."""

    def __init__(self, guard, name, jobs):
        self._folder = guard.folder / name
        self._folder.mkdir()
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        settings = {
            "global": {"scrape_interval": "60s"},
            "scrape_configs": [{"job_name": job, **found} for job, found in jobs.items()],
        }
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(settings))  # JSON is YAML
        argv = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        self._server = Server(guard, name, argv)

    def start(self):
        """Start it, and wait until it answers."""
        self._server.start(lambda: self._get("/-/ready") is not None)
        return self

    def kill(self):
        """End it."""
        self._server.kill()

    def targets(self, job):
        """What it discovered for a job: labels by address, `__meta_...` included."""
        found = json.loads(self._get("/api/v1/targets"))["data"]
        every = [*found["activeTargets"], *found["droppedTargets"]]
        labels = [target["discoveredLabels"] for target in every]
        return {one["__address__"]: one for one in labels if one["job"] == job}

    def _get(self, path):
        with _OPENER.open(self._url + path, timeout=5) as answer:
            return answer.read()
