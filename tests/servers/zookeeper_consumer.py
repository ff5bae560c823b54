"""A Java program that reads ZooKeeper as Curator's and Spring Cloud's users do.

It is built from the Maven project in `zookeeper_consumer/` beside this file; see `install.sh`.
"""

import json
import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).with_name("zookeeper_consumer")
JAR = PROJECT / "target" / "zookeeper-consumer.jar"
_JAVA = ("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", JAR)


def missing():
    """Why it cannot be run here, in words; empty if it can."""
    return "" if JAR.exists() else f"not built: {JAR.name} (tests/servers/install.sh builds it)"


def version():
    """The version of Spring Cloud, whose Curator it is."""
    pom = (PROJECT / "pom.xml").read_text()
    return "Spring Cloud " + re.search(r"<spring-cloud.version>(.*?)<", pom).group(1)


def found(how, address, base):
    """What it finds under a path; `how` is `curator` or `spring`."""
    argv = [*map(str, _JAVA), how, address, base]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
