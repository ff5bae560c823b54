"""The file sink keeps the contract in each of its formats, and the file's other content."""

import json
import os
from threading import Event, Thread

import attrs
import pytest

from syncer import (
    STATUS_KEY,
    Check,
    ConfigError,
    Conflict,
    Context,
    Deregister,
    PermanentError,
    Reason,
    Register,
    Registration,
    Status,
    TemporaryError,
    Unhealthy,
    Update,
)
from syncer.plugin.builtin import codec
from syncer.plugin.builtin.file_sink import FileSink, FileSinkOptions
from syncer.plugin.builtin.formats import Entry, FormatName
from syncer.testing import SinkContract, make_instance, make_registration

ME = Context(name="file")


def open_sink(path, form=None, unhealthy=None):
    options = FileSinkOptions(path=path, format=form, unhealthy=unhealthy)
    return FileSink.create(options, ME)


class FileContract(SinkContract):
    """What the formats share."""

    declines = {"secrets": "it has none"}
    examples = 30
    form: FormatName

    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "out" / "registrations"

    @pytest.fixture
    def sink(self, path):
        path.parent.mkdir()
        return open_sink(path, self.form)

    @pytest.fixture
    def reopen(self, path):
        return lambda: open_sink(path, self.form)

    @pytest.fixture
    def unreachable(self, tmp_path):
        return open_sink(tmp_path / "no such directory" / "file", self.form)

    @pytest.fixture
    def forge(self, path, sink):
        def write(instance, fields):
            layout = sink._format
            entries = layout.parse(path.read_text())
            record = {**codec.fields_of(Registration(instance=instance)), "mark": fields}
            path.write_text(layout.render([*entries, self.forged(layout, instance, record)]))

        return write

    def forged(self, layout, instance, record):
        """Somebody's entry with this record."""
        return Entry(raw=record)


class TestJson(FileContract):
    """The contract, in JSON."""

    form = FormatName.JSON

    @pytest.fixture
    def unmarked(self, path):
        def write(instance):
            open_sink(path, self.form).register(Registration(instance=instance))

        return write

    @pytest.fixture
    def spoil(self, path):
        def write():
            document = json.loads(path.read_text())
            document["registrations"].append({"id": "bad", "service": "x", "port": "many"})
            path.write_text(json.dumps(document))
            return "bad"

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("refused", tags=("\ud800",))


class TestPrometheus(TestJson):
    """The contract, as target groups."""

    form = FormatName.PROMETHEUS

    def forged(self, layout, instance, record):
        group = layout.raw(Registration(instance=instance))
        group["labels"]["__meta_syncer_record"] = json.dumps(record)
        return Entry(raw=group)

    @pytest.fixture
    def spoil(self, path):
        def write():
            groups = json.loads(path.read_text())
            labels = {"__meta_syncer_id": "bad", "__meta_syncer_record": "{"}
            groups.append({"targets": ["h:1"], "labels": labels})
            path.write_text(json.dumps(groups))
            return "bad"

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("refused", port=0)


class TestHosts(TestJson):
    """The contract, as lines of a hosts file."""

    form = FormatName.HOSTS
    declines = {"secrets": "it has none", "park": "every reader of the file would find it"}

    def forged(self, layout, instance, record):
        notes = f"#: {json.dumps(record)}\n"
        return Entry(raw=f"{notes}{instance.address} {instance.service}\n", block="syncer")

    @pytest.fixture
    def spoil(self, path):
        def write():
            path.write_text(path.read_text().replace("# END", '#: {"id":\n10.0.0.1 x\n# END'))
            return ""

        return write

    @pytest.fixture
    def refused(self):
        return make_instance("refused", address="db.example.org")


FORMS = list(FormatName)
by_form = pytest.mark.parametrize("form", FORMS, ids=[form.value for form in FORMS])


@by_form
def test_apply_writes_once(tmp_path, form, monkeypatch):
    """Any number of changes make one write of the file."""
    sink = open_sink(tmp_path / "f", form)
    kept = sink.register(make_registration(make_instance("a", 1)))
    gone = sink.register(make_registration(make_instance("b", 2)))
    writes = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: (writes.append(names), replace(*names)))
    new = [make_registration(make_instance("n", port)) for port in range(1, 201)]
    changes = [
        *map(Register, new),
        Update(kept, make_registration(make_instance("a", 1, address="10.0.0.9"))),
        Deregister(gone, Reason.WORKLOAD_GONE),
    ]
    assert all(outcome.error is None for outcome in sink.apply(changes))
    assert len(writes) == 1
    assert len(sink.registrations().items) == 201


@by_form
def test_nothing_to_change_writes_nothing(tmp_path, form):
    """A refused change or an absent one leaves the file as it is, number and times included."""
    path = tmp_path / "f"
    sink = open_sink(path, form)
    held = sink.register(make_registration())
    before = path.stat()
    with pytest.raises(Conflict):
        sink.register(make_registration())
    sink.deregister(make_registration(make_instance("absent")))
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert sink.registrations().items == (held,)


@by_form
def test_hand_edit_is_damage(tmp_path, form):
    """An address that was changed by hand is seen, whatever else the entry says."""
    path = tmp_path / "f"
    sink = open_sink(path, form)
    held = sink.register(make_registration())
    text = path.read_text()
    edited = text.replace("10.0.0.5:8080", "10.0.0.6:8080").replace("\n10.0.0.5 ", "\n10.0.0.6 ")
    if form is FormatName.JSON:
        edited = text.replace("10.0.0.5", "10.0.0.6")
    assert edited != text
    path.write_text(edited)
    (found,) = sink.registrations().items
    assert found.damaged or found.instance.address == "10.0.0.6"
    mended = sink.update(found, make_registration())
    assert mended == held
    assert path.read_text() == text


@by_form
def test_entry_that_stands_twice(tmp_path, form):
    """An id that the file contains twice is listed once, as damaged, and an update mends it."""
    path = tmp_path / "f"
    sink = open_sink(path, form)
    held = sink.register(make_registration())
    single = path.read_text()
    if form is FormatName.HOSTS:
        path.write_text(single + single)
    else:
        document = json.loads(single)
        rows = document["registrations"] if form is FormatName.JSON else document
        rows.append(rows[0])
        path.write_text(json.dumps(document))
    (found,) = sink.registrations().items
    assert "twice" in found.damaged
    sink.update(found, make_registration())
    assert sink.registrations().items == (held,)
    assert path.read_text() == single


BROKEN = {
    FormatName.JSON: ['{"registrations": [', "[]", '{"other": 1}', "[" * 100_000, "\0"],
    FormatName.PROMETHEUS: ["{}", "[1]", '[{"targets": ['],
    FormatName.HOSTS: ["# BEGIN syncer owner a\n10.0.0.1 x\n", "# BEGIN syncer owner a\n" * 2],
}
broken = [(form, text) for form, texts in BROKEN.items() for text in texts]


@pytest.mark.parametrize(("form", "text"), broken, ids=range(len(broken)))
def test_broken_file_is_left_alone(tmp_path, form, text):
    """A file that cannot be understood is TemporaryError for reads and writes, and stays."""
    path = tmp_path / "f"
    path.write_text(text)
    sink = open_sink(path, form)
    with pytest.raises(TemporaryError, match="left unchanged"):
        sink.registrations()
    with pytest.raises(TemporaryError, match="left unchanged"):
        sink.register(make_registration())
    (outcome,) = sink.apply([Register(make_registration())])
    assert isinstance(outcome.error, TemporaryError)
    assert path.read_text() == text


def test_no_utf8_is_refused(tmp_path):
    """Bytes that are no UTF-8 are no JSON."""
    path = tmp_path / "f.json"
    path.write_bytes(b'{"registrations": ["\xff"]}')
    with pytest.raises(TemporaryError, match="left unchanged"):
        open_sink(path).registrations()


@by_form
def test_empty_file_is_empty(tmp_path, form):
    """A file of no bytes holds nothing: that is how people make files to be written."""
    path = tmp_path / "f"
    path.touch()
    sink = open_sink(path, form)
    assert sink.registrations().items == ()
    sink.register(make_registration())
    assert len(sink.registrations().items) == 1


def test_hosts_keeps_all_other_bytes(tmp_path):
    """Lines outside of our block stay byte for byte, also such that are no UTF-8."""
    path = tmp_path / "hosts"
    mine = b"127.0.0.1\tlocalhost \r\n# caf\xe9\n\n::1 ip6-localhost\x0b\n10.1.1.1 manual"
    path.write_bytes(mine)
    sink = open_sink(path)
    held = sink.register(make_registration())
    assert path.read_bytes().startswith(mine + b"\n# BEGIN syncer owner syncer\n")
    assert path.read_bytes().endswith(b"10.0.0.5 web\n# END syncer owner syncer\n")
    path.write_bytes(path.read_bytes() + b"10.2.2.2 later")
    second = sink.register(make_registration(make_instance("db", 1)))
    assert path.read_bytes().endswith(b"# END syncer owner syncer\n10.2.2.2 later")
    sink.deregister(held)
    sink.deregister(second)
    assert path.read_bytes() == mine + b"\n10.2.2.2 later"


def test_hosts_resolves_for_a_reader_with_short_lines(tmp_path):
    """No line is so long that a reader of 512 bytes would take its end for another line."""
    path = tmp_path / "hosts"
    big = make_instance(tags=tuple(f"tag {n}" for n in range(500)), meta={"k": "ü\n" * 500})
    sink = open_sink(path)
    held = sink.register(make_registration(big))
    assert max(map(len, path.read_bytes().split(b"\n"))) < 512
    assert sink.registrations().items == (held,)
    names = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert names == ["10.0.0.5 web"]


def test_hosts_has_a_block_for_each_owner(tmp_path):
    """Each owner's registrations stand in a block of its own; a line added there stays."""
    path = tmp_path / "hosts"
    sink = open_sink(path)
    sink.register(make_registration())
    sink.register(make_registration(make_instance("theirs"), owner="o 2"))
    path.write_text(
        path.read_text().replace("# END syncer owner o", "10.9.9.9 x\n# END syncer owner o")
    )
    sink.register(make_registration(make_instance("db", 1)))
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#:")]
    assert lines == [
        *(
            "# BEGIN syncer owner syncer",
            "10.0.0.5 web",
            "10.0.0.5 db",
            "# END syncer owner syncer",
        ),
        *("# BEGIN syncer owner o 2", "10.0.0.5 theirs", "10.9.9.9 x", "# END syncer owner o 2"),
    ]


def test_prometheus_labels(tmp_path):
    """Prometheus gets one group for each instance, and no label name that it refuses."""
    path = tmp_path / "f"
    sink = open_sink(path, FormatName.PROMETHEUS)
    meta = {"team-name": "shop", "größe": "XL"}
    sink.register(make_registration(make_instance(address="fd00::5", tags=("a", "b"), meta=meta)))
    (group,) = json.loads(path.read_text())
    assert group["targets"] == ["[fd00::5]:8080"]
    labels = group["labels"]
    assert labels["service"] == "web"
    assert labels["__meta_syncer_tags"] == ",a,b,"
    assert labels["__meta_syncer_meta_team_name"] == "shop"
    assert labels["__meta_syncer_meta_gr__e"] == "XL"
    assert all(name.isascii() and name.isidentifier() for name in labels)
    assert all(isinstance(value, str) for value in labels.values())


def test_prometheus_keeps_groups_of_others(tmp_path):
    """Target groups that somebody wrote by hand stay."""
    path = tmp_path / "f"
    theirs = [{"targets": ["a:1"], "labels": {"job": "x"}}, {"targets": ["b:1"]}]
    path.write_text(json.dumps(theirs))
    sink = open_sink(path, FormatName.PROMETHEUS)
    held = sink.register(make_registration())
    assert json.loads(path.read_text())[:2] == theirs
    assert sink.registrations().items == (held,)
    sink.deregister(held)
    assert json.loads(path.read_text()) == theirs


NOT_UP = [status for status in Status if status is not Status.UP]


@pytest.mark.parametrize("status", NOT_UP)
def test_status_is_shown_or_dropped(tmp_path, status):
    """Formats that can say a status do; the hosts format leaves such instances out."""
    instance = make_instance(status=status)
    for form in (FormatName.JSON, FormatName.PROMETHEUS):
        shown = open_sink(tmp_path / "f", form).adjust(instance)
        assert shown.meta[STATUS_KEY] == status.value
        assert open_sink(tmp_path / "f", form, Unhealthy.DROP).adjust(instance) is None
    assert open_sink(tmp_path / "hosts").adjust(instance) is None
    kept = open_sink(tmp_path / "hosts", None, Unhealthy.KEEP).adjust(instance)
    assert kept == attrs.evolve(instance)
    assert kept.status is status


def test_mode_owner_and_link_stay(tmp_path):
    """Replacing keeps mode and owner, and writes through a symbolic link."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.touch(mode=0o640)
    real.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(real, 1234, 4321)
    before = real.stat()
    link.symlink_to(real)
    sink = open_sink(link)
    sink.register(make_registration())
    after = real.stat()
    assert link.is_symlink()
    assert before.st_ino != after.st_ino
    assert (before.st_mode, before.st_uid, before.st_gid) == (
        after.st_mode,
        after.st_uid,
        after.st_gid,
    )


def mode_of(path):
    return path.stat().st_mode & 0o777


def test_others_neither_read_a_new_file_nor_lock_it(tmp_path):
    """Only the group reads it, for checks may carry passwords; only the writer can lock it."""
    path, lock = tmp_path / "f.json", tmp_path / ".f.json.lock"
    former = os.umask(0)
    try:
        lock.touch(0o666)  # of a version that made it so
        open_sink(path).register(make_registration())
    finally:
        os.umask(former)
    assert (mode_of(path), mode_of(lock)) == (0o640, 0o600)
    path.chmod(0o644)
    open_sink(path).register(make_registration(make_instance("two")))
    assert mode_of(path) == 0o644


@pytest.mark.parametrize("form", list(FormatName))
def test_what_checks_carry_is_only_where_checks_are_run(tmp_path, form):
    """Headers and bodies may be secret; nobody runs the checks of a target list or a hosts file."""
    sink = open_sink(tmp_path / "f", form)
    check = Check(kind="http", headers={"Authorization": ("Bearer abc",)}, body="def", path="/up")
    wanted = sink.adjust(make_instance(address="10.0.0.1", checks=[check]))
    held = sink.register(make_registration(wanted))
    text = (tmp_path / "f").read_text()
    runs_them = form is FormatName.JSON
    assert [secret in text for secret in ("Bearer abc", "def")] == [runs_them] * 2
    assert "/up" in text
    assert sink.registrations().items == (held,)
    assert held.instance == wanted


def test_not_a_regular_file(tmp_path):
    """A pipe would block for ever: it is refused."""
    os.mkfifo(tmp_path / "f.json")
    with pytest.raises(TemporaryError, match="regular file"):
        open_sink(tmp_path / "f.json").registrations()


def test_writers_beside_each_other_lose_nothing(tmp_path):
    """Several sinks that write one file at the same time all find their registrations in it."""
    path = tmp_path / "f.json"
    errors = []

    def work(name):
        sink = open_sink(path)
        for port in range(1, 26):
            try:
                sink.register(make_registration(make_instance(name, port)))
            except Exception as error:
                errors.append(error)

    threads = [Thread(target=work, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(open_sink(path).registrations().items) == 100


class Steps(Event):
    """A stop event that, instead of waiting, takes the next step; after the last one it is set."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = list(steps)

    def wait(self, timeout=None):
        if not self.steps:
            return True
        self.steps.pop(0)()
        return False


def test_watch_tells_others_changes_from_its_own(tmp_path):
    """Another's change wakes, one's own does not, and neither does no change."""
    path = tmp_path / "f.json"
    sink, other, wakes = open_sink(path), open_sink(path), []
    seen = []
    steps = Steps(
        lambda: sink.register(make_registration(make_instance("own"))),
        lambda: seen.append(len(wakes)),
        lambda: other.register(make_registration(make_instance("theirs"))),
        lambda: seen.append(len(wakes)),
        lambda: seen.append(len(wakes)),
        path.unlink,
    )
    sink.watch(lambda: wakes.append(1), steps)
    assert seen == [0, 1, 1]
    assert len(wakes) == 2


def test_close_ends_the_watch(tmp_path):
    """A closed sink watches no longer."""
    sink = open_sink(tmp_path / "f.json")
    sink.close()
    sink.watch(lambda: None, Event())


def test_format_by_name(tmp_path):
    """The file name determines the format; otherwise the error says what to set."""
    assert "BEGIN" not in str(open_sink(tmp_path / "x.json"))
    with pytest.raises(ConfigError, match=r"json, prometheus, hosts"):
        open_sink(tmp_path / "x.txt")


def test_what_json_cannot_say_is_refused(tmp_path):
    """Text that is no Unicode is refused with the instance's id."""
    sink = open_sink(tmp_path / "f.json")
    bad = make_instance(meta={"a": "\udcff"})
    with pytest.raises(PermanentError, match="kit-scope:web:8080"):
        sink.adjust(bad)
    with pytest.raises(PermanentError, match="kit-scope:web:8080"):
        sink.register(make_registration(bad))
