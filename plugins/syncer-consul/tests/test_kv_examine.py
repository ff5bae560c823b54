"""What `syncer doctor` finds in the way of writing to Consul's key-value store."""

from datetime import timedelta

from servers.consul import ACL
from servers.secrets import secret
from syncer import Level, Secret

WRONG = secret("d0c70rkv-0000-4000-8000-00000000dead")
SESSION = timedelta(seconds=30)


def found(sink):
    """The findings, as (level, text) with the advice after a semicolon."""
    return [(one.level, f"{one.what}; {one.advice}") for one in sink.examine()]


def of(level, findings):
    return [text for found, text in findings if found is level]


def test_all_is_well(clean_kv, open_kv):
    """The agent, its clock and the rights; nothing is written."""
    findings = found(open_kv(clean_kv.url, session=SESSION, datacenter="dc1"))
    assert [level for level, _ in findings] == [Level.OK] * 3
    assert "keys under services/, syncer/services/ may be read and written" in findings[2][1]
    assert clean_kv.values() == {}
    assert clean_kv.sessions() == set()


def test_a_datacenter_that_is_not_there(clean_kv, open_kv):
    """Those that there are are named."""
    (text,) = of(Level.PROBLEM, found(open_kv(clean_kv.url, datacenter="atlantis")))
    assert "knows no datacenter atlantis; it knows dc1" in text


def test_an_agent_that_is_away(open_kv):
    """It is a problem, with what to look at."""
    ((level, text),) = found(open_kv("http://127.0.0.1:9"))
    assert level is Level.PROBLEM
    assert "check that the agent is running" in text


def test_rights(start_consul, open_kv):
    """What a token may not do is told, each with the rule that is missing."""
    agent = start_consul(config=ACL)
    rule = 'key_prefix "{}" {{ policy = "{}" }}'
    full = [rule.format("services/", "write"), rule.format("syncer/services/", "write")]
    session = 'session_prefix "" { policy = "write" }'
    cases = {
        "\n".join([*full, session]): [],
        "\n".join(full): ["may not make the session"],
        "\n".join([full[0], session]): ["may not read all keys", "may not write all keys"],
        "\n".join([rule.format("", "read"), session]): ["may not write all keys"],
    }
    for rules, expected in cases.items():
        token = agent.api.create_token(rules)
        findings = found(open_kv(agent.url, token=Secret(token), session=SESSION))
        warnings = of(Level.WARNING, findings)
        assert [one for one, text in zip(expected, warnings, strict=True) if one not in text] == []
        assert of(Level.PROBLEM, findings) == []
        for text in warnings:
            assert "its rules need" in text
    ((level, text),) = found(open_kv(agent.url, token=Secret(WRONG)))
    assert level is Level.PROBLEM
    assert "CONSUL_HTTP_TOKEN" in text
    assert WRONG not in text
