"""Flags are read as Go's package `flag` reads them."""

import pytest

from syncer_registrator.go.flags import Flag, FlagError, Kind, describe_flags, parse_flags

FLAGS = (
    Flag("ip", Kind.TEXT, "", "An address"),
    Flag("ttl", Kind.NUMBER, 0, "Seconds"),
    Flag("wait", Kind.NUMBER, 2000, "Milliseconds"),
    Flag("mode", Kind.TEXT, "always", "When"),
    Flag("cleanup", Kind.SWITCH, False, "Remove"),
    Flag("adopt", Kind.TEXT, "", "Hosts", many=True),
)


@pytest.mark.parametrize(
    ("line", "values", "rest"),
    [
        ("-ip 1.2.3.4 uri", {"ip": "1.2.3.4"}, ["uri"]),
        ("-ip=1.2.3.4 uri", {"ip": "1.2.3.4"}, ["uri"]),
        ("--ip 1.2.3.4 uri", {"ip": "1.2.3.4"}, ["uri"]),
        ("--ip=a=b uri", {"ip": "a=b"}, ["uri"]),
        ("-ip= uri", {"ip": ""}, ["uri"]),
        ("-ip -ttl uri", {"ip": "-ttl"}, ["uri"]),
        ("-ttl 30 -ttl=40", {"ttl": 40}, []),
        ("-ttl 0x10 uri", {"ttl": 16}, ["uri"]),
        ("-ttl -1 uri", {"ttl": -1}, ["uri"]),
        ("-cleanup uri", {"cleanup": True}, ["uri"]),
        ("-cleanup=false uri", {"cleanup": False}, ["uri"]),
        ("-cleanup=T uri", {"cleanup": True}, ["uri"]),
        ("-cleanup true uri", {"cleanup": True}, ["true", "uri"]),
        ("-cleanup -- -ip uri", {"cleanup": True}, ["-ip", "uri"]),
        ("uri -cleanup", {}, ["uri", "-cleanup"]),
        ("- uri", {}, ["-", "uri"]),
        ("-adopt a -adopt b,c uri", {"adopt": "a,b,c"}, ["uri"]),
        ("", {}, []),
    ],
)
def test_command_lines(line, values, rest):
    """Each form gives these values, and leaves these arguments."""
    usual = {flag.name: flag.default for flag in FLAGS}
    parsed = parse_flags(FLAGS, line.split())
    assert parsed.values == usual | values
    assert parsed.given == values.keys()
    assert list(parsed.rest) == rest


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("-nope uri", "flag provided but not defined: -nope"),
        ("--nope=1 uri", "flag provided but not defined: -nope"),
        ("-ip", "flag needs an argument: -ip"),
        ("---ip x", "bad flag syntax: ---ip"),
        ("-=x", "bad flag syntax: -=x"),
        ("-ttl soon uri", 'invalid value "soon" for flag -ttl: parse error'),
        ("-ttl 99999999999999999999 uri", "value out of range"),
        ("-cleanup=maybe uri", 'invalid boolean value "maybe" for -cleanup: parse error'),
    ],
)
def test_mistakes(line, text):
    """A mistake is told in the words of Go's package."""
    with pytest.raises(FlagError, match=text) as caught:
        parse_flags(FLAGS, line.split())
    assert not caught.value.asked


@pytest.mark.parametrize("flag", ["-h", "--help", "-help"])
def test_help(flag):
    """Asking for help is no mistake."""
    with pytest.raises(FlagError) as caught:
        parse_flags(FLAGS, [flag])
    assert caught.value.asked


def test_usage():
    """Flags are listed by name, with type and default, as Go lists them."""
    text = describe_flags(FLAGS)
    assert '  -mode string\n    \tWhen (default "always")\n' in text
    assert "  -wait int\n    \tMilliseconds (default 2000)" in text
    assert "  -cleanup\n    \tRemove\n" in text
    assert text.index("-adopt") < text.index("-cleanup") < text.index("-ip")
