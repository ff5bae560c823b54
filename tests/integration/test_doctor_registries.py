"""`syncer doctor` on the registries that are no agent: each examines itself, and is well."""

import json

from servers.syncer import command


def test_registries_that_are_well(tmp_path, clean_consul, clean_eureka, clean_zookeeper):
    """Each says of itself what was looked at, and nothing is a problem."""
    source = tmp_path / "services.toml"
    source.write_text('[[services]]\nname = "web"\naddress = "192.0.2.1"\nport = 80\n')
    sinks = (
        f"consulkv=http://{clean_consul.address}",
        f"eureka={clean_eureka.url}",
        f"zookeeper={clean_zookeeper.address}",
    )
    flags = [part for sink in sinks for part in ("--sink", sink)]
    done = command("doctor", "--json", "--source", f"file={source}", *flags)
    assert done.stderr == ""
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, found
    said = {name: [one["what"] for one in found if one["about"] == f"sink {name}"] for name in (
        "consulkv", "eureka", "zookeeper")}  # fmt: skip
    assert "keys under services/, syncer/services/ may be read and written" in said["consulkv"]
    assert f"the server at {clean_eureka.url} answers" in said["eureka"]
    assert "nodes under / may be read, created and removed" in said["zookeeper"]
    assert clean_zookeeper.nodes() == {}
