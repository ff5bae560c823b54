"""Go templates in the operator's tags."""

from importlib.util import find_spec

import attrs
import pytest

from syncer import Network, Workload
from syncer_registrator.go import template
from syncer_registrator.go.template import parse_go_template

NEEDS_REGEX = pytest.mark.skipif(find_spec("re2") is None, reason="google-re2 is not installed")
ID = "e20f9c1a76565d62ae24a3bb877b17b862b6eab94f4e95a0e07ccf25087aaf4f"
ARN = "arn:aws:ecs:region:123:task/368f4403-0ee4"
WEB = Workload(
    source="docker",
    scope="h",
    id=ID,
    name="web",
    hostname="e20f9c1a7656",
    image="reg:5000/shop/web:1.2",
    labels={"team": "Blue", "com.amazonaws.ecs.task-arn": ARN, "empty": ""},
    env={"ENVIRONMENT": "test", "SERVICE_NAME": "web", "SERVICE_8000_NAME": "admin"},
    networks=(Network(name="bridge", ipv4="172.17.0.2"), Network(name="front", ipv4="10.1.0.2")),
    network_mode="bridge",
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain,tags", "plain,tags"),
        ("{{.Name}}", "/web"),
        ("x-{{ .Config.Hostname }}-y", "x-e20f9c1a7656-y"),
        ("{{.Config.Image}}", "reg:5000/shop/web:1.2"),
        ("{{.Config.Labels.team}}", "Blue"),
        ('{{index .Config.Labels "team"}}', "Blue"),
        ('{{index .Config.Labels "none"}}', ""),
        ('{{mIndex "com.amazonaws.ecs.task-arn" .Config.Labels | splitIndex -1 "/"}}',
         "368f4403-0ee4"),
        ("{{strSlice .ID 0 12}}", ID[:12]),
        ("{{strSlice .Name 1}}", "web"),
        ("{{strSlice .Name 9}}", "/web"),
        ('{{toUpper "foo"}}{{toLower `BAR`}}', "FOObar"),
        ("{{.Config.Labels.team | toLower}}", "blue"),
        ('{{replace -1 "=" "" "=foo="}}', "foo"),
        ('{{replace 1 "=" "" "=foo="}}', "foo="),
        ('{{sIndex 0 .Config.Env}}', "ENVIRONMENT=test"),
        ('{{sIndex -1 .Config.Env}}{{sIndex 99 .Config.Env}}', "SERVICE_8000_NAME=admin" * 2),
        ('{{split ":" "a:b:c" | sIndex 1}}', "b"),
        ('{{join "," (split ":" "a:b:c")}}', "a,b,c"),
        pytest.param('{{matchFirstElement "^SERVICE_" .Config.Env}}', "SERVICE_NAME=web",
                     marks=NEEDS_REGEX),
        pytest.param('{{matchAllElements "^SERVICE_" .Config.Env | join ","}}',
                     "SERVICE_NAME=web,SERVICE_8000_NAME=admin", marks=NEEDS_REGEX),
        ('{{printf "%s-%d" .Config.Labels.team 7}}', "Blue-7"),
        ('{{or .Config.Labels.empty "none"}}', "none"),
        ("{{.NetworkSettings.IPAddress}}", "172.17.0.2"),
        ("{{.NetworkSettings.Networks.front.IPAddress}}", "10.1.0.2"),
        ("{{.HostConfig.NetworkMode}}", "bridge"),
        ("a {{- .Name -}} b{{/* said aside */}}", "a/webb"),
        ('{{"a \\"b\\""}}', 'a "b"'),
    ],
)  # fmt: skip
def test_values(text, made):
    """Fields, functions and pipes give what they give in registrator."""
    assert parse_go_template(text).fill(WEB) == made


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{if .Name}}x{{end}}", "if is not supported; only values, functions and pipes are"),
        ("{{range .Config.Env}}x{{end}}", "range is not supported"),
        (
            '{{httpGet "http://x"}}',
            "httpGet is not supported: registering a container must not wait",
        ),
        ("{{nope .Name}}", "unknown function nope; known are strSlice"),
        ("{{.Nmae}}", r"{{.Nmae}}: unknown value; known are .ID"),
        ("{{.Name.First}}", r"{{.Name.First}}: unknown value"),
        ("{{$x := .Name}}", "unexpected"),
        ("{{.Name", r"has \{\{ without"),
        (".Name}}", r"has \{\{ without"),
        ("{{}}", "nothing between"),
        ("{{.Name | }}", "unexpected end"),
        ("{{(.Name}}", r"a \( is not closed"),
        ("{{.Name)}}", r"unexpected \)"),
        ("{{.Name .ID}}", "a value takes no arguments"),
    ],
)
def test_what_cannot_be_had(text, reason):
    """It is refused when the template is read, with what can be had instead."""
    with pytest.raises(ValueError, match=reason):
        parse_go_template(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{.Config.Labels.none}}",
        "{{toUpper}}",
        '{{sIndex 0 (split "," .Config.Env)}}',
        "{{sIndex 0 .Config.Labels}}",
        '{{replace 99999999999999999999 "a" "b" .Name}}',
        '{{replace -1 "" (replace -1 "" (replace -1 "" .Config.Labels.long .Name) .ID) .ID}}',
        '{{join .Config.Labels.long (split "" .Config.Labels.long)}}',
    ],
)
def test_no_value_is_no_tag(text):
    """A container for which there is no value, or no fitting one, has none of these tags."""
    workload = attrs.evolve(WEB, labels={**WEB.labels, "long": "x" * 100_000})
    with pytest.raises(ValueError, match=r"\w"):
        parse_go_template(text).fill(workload)


@NEEDS_REGEX
def test_patterns_take_no_longer_than_in_go():
    """One value of one container must not stop the process: Python's own would take for ever."""
    text = '{{matchFirstElement "^APP=([a-z]+[-.]?)+$" .Config.Env}}'
    workload = attrs.evolve(WEB, env={"APP": "a" * 5000 + "!", "OTHER": "x"})
    assert parse_go_template(text).fill(workload) == ""
    assert parse_go_template(text).fill(attrs.evolve(WEB, env={"APP": "a-b.c"})) == "APP=a-b.c"


@NEEDS_REGEX
def test_a_pattern_that_is_none_is_no_tag():
    """What RE2 refuses, as Go does: `(?=...)`, or a thousand times a thousand."""
    for pattern in ("(", "(?=a)", "((a{1000}){1000}){1000}"):
        with pytest.raises(ValueError, match="not a regular expression"):
            parse_go_template(f"{{{{matchAllElements `{pattern}` .Config.Env}}}}").fill(WEB)


def test_without_the_library_patterns_are_refused(monkeypatch):
    """When the template is read, with the command that helps."""
    monkeypatch.setattr(template, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"google-re2: pip install 'syncer-registrator\[regex\]'"):
        parse_go_template('{{matchFirstElement "a" .Config.Env}}')


def test_a_template_that_nests_too_deeply_is_refused():
    """With words, when it is read."""
    with pytest.raises(ValueError, match="too many"):
        parse_go_template("{{" + "(" * 5000 + ".Name" + ")" * 5000 + "}}")
