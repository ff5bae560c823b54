"""Brakes of what is taken over, of what is not up, and of stores of keys and values."""

from mutants import brakes_of

adoption = brakes_of("plan/adoption.py", "plan/test_adoption")
cycle = brakes_of("engine/cycle/reconcile.py", "engine/cycle/test_reconcile")
unhealthy = brakes_of(
    "api/registrations.py", "plan/test_drain", "tests/kits/keyvalue/test_layout_sink.py"
)
meaning = brakes_of("kits/keyvalue/meaning.py", "tests/kits/keyvalue/test_meaning.py")
sink = brakes_of("kits/keyvalue/layout_sink.py", "tests/kits/keyvalue/test_layout_sink.py")
layout = brakes_of("kits/keyvalue/layout.py", "tests/kits/keyvalue/test_layouts.py")
holder = brakes_of("kits/keyvalue/holder.py", "tests/kits/keyvalue/test_holder.py")
batches = brakes_of("kits/keyvalue/batches.py", "tests/kits/keyvalue/test_batches.py")
record = brakes_of("kits/keyvalue/record.py", "tests/kits/keyvalue/test_record.py")

#: Why the model does not notice.
TAKES_NOTHING = "it takes nothing over"
NO_LAYOUT = "its registry knows no layouts"

MUTANTS = (
    # Taking over.
    adoption(
        "everything is taken over",
        "return own or host in",
        "return True or host in",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "a given id is enough",
        "if wish.fits(one.instance) or (named and not wish.instance.given_id):",
        "if True:",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "an id of our form is enough, though a label gave it",
        "(named and not wish.instance.given_id)",
        "named",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "what a label had before goes before the new one stands",
        "if wish and wish.has_written(one.id) and _serves(held.get(wish.instance.id), one):",
        "if wish and wish.has_written(one.id):",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "what is at our place by hand goes",
        "if wish and wish.has_written(one.id) and",
        "if wish and",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "a random name is enough",
        "return _marked_for(one, stands, owner, named=named) if named or random else None",
        "return _marked_for(one, stands, owner, named=True) if named or random else None",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "any other name will do",
        "random = SAME in self.hosts and RANDOM_NAME.fullmatch(",
        "random = SAME in self.hosts and str(",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "the port is not compared",
        "return instance.service, instance.place",
        "return instance.service, instance.place[:1]",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "the old name goes before the new one stands",
        "stands = [wish for wish in here if _serves(held.get(wish.instance.id), one)]",
        "stands = here",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "the old name goes before the new one is fit",
        "and (found.up or not old.up)",
        "",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "what is gone is taken along",
        "if named and self.gone else None",
        "if named else None",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "one engine judges what another left",
        "return [one for one in self.world if host in one.scopes] or self.world",
        "return self.world",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "any of several engines judges a host that none is",
        "if len(of_host) != 1 or not of_host[0].scopes:",
        "if not of_host[0].scopes:",
        blind=TAKES_NOTHING,
    ),
    adoption(
        "a place is taken whatever its id is",
        'if one.id != f"{one.instance.service}/{one.instance.endpoint}":',
        blind=TAKES_NOTHING,
    ),
    adoption(
        "a place is taken though ours stands",
        "if wish is None or wish.instance.id in held:",
        "if wish is None:",
        blind=TAKES_NOTHING,
    ),
    cycle(
        "sinks are told of marks that are not there",
        "return unadopted(plan)",
        "return plan",
        "plan/test_adoption",
        blind=TAKES_NOTHING,
    ),
    # What is not up.
    unhealthy("what is not up is kept where it cannot be told", "if unhealthy is Unhealthy.DROP:"),
    unhealthy(
        "what is not up looks as if it were",
        "meta = {**instance.meta, STATUS_KEY: instance.status.value}",
        "meta = instance.meta",
    ),
    # Stores of keys and values.
    meaning(
        "a copy of an entry is ours",
        "    if layout.key(found.instance) != key:",
        "    if False:",
        blind=NO_LAYOUT,
    ),
    meaning(
        "a twin without a mark, or elsewhere, counts",
        "misplaced = found.mark is None or layout.key(found.instance) != key",
        "misplaced = False",
        blind=NO_LAYOUT,
    ),
    meaning(
        "an entry that is gone is no damage",
        'return attrs.evolve(found, damaged=f"its entry {key} is gone")',
        "return found",
        blind=NO_LAYOUT,
    ),
    meaning(
        "an edited entry is no damage",
        "return found if same else",
        "return found if True else",
        blind=NO_LAYOUT,
    ),
    meaning(
        "an entry that stands though it is drained is no damage",
        'text = "" if entry is None else',
        'text = "" if True else',
        blind=NO_LAYOUT,
    ),
    meaning(
        "another's entry has our id",
        "return mark is None or mark.owner != owner, key",
        "return False, key",
        blind=NO_LAYOUT,
    ),
    meaning(
        "what is drained is parked wherever there are twins",
        "return layout.twins and not layout.tells_status",
        "return layout.twins",
        "tests/kits/keyvalue/test_layout_sink.py",
        blind=NO_LAYOUT,
    ),
    sink("what is too large is sent", "if size > self.largest:", blind=NO_LAYOUT),
    sink(
        "one that cannot be written stops the others",
        "except SyncerError as error:",
        "except ZeroDivisionError as error:",
        blind=NO_LAYOUT,
    ),
    layout(
        "the twins' place is a prefix like others",
        '[0] in ("", TWINS):',
        '[0] == "":',
        blind=NO_LAYOUT,
    ),
    layout(
        "a slash in a name begins another part",
        'set("/%")',
        'set("%")',
        blind=NO_LAYOUT,
    ),
    holder(
        "a lease with other settings is taken over",
        "if self._fits(best):",
        "if True:",
        blind=NO_LAYOUT,
    ),
    holder(
        "a dead lease is followed",
        "if best != self._current and self._lives(best):",
        "if best != self._current:",
        blind=NO_LAYOUT,
    ),
    batches(
        "one transaction has a key twice",
        "if batch and (full or not keys.isdisjoint(step.keys)):",
        "if batch and full:",
        blind=NO_LAYOUT,
    ),
    record(
        "what is no text is believed",
        "if not all(isinstance(text, str) for text in (*named, *tags, *meta, *meta.values())):",
        blind=NO_LAYOUT,
    ),
    record(
        "a user's metadata stands where the mark does",
        "if OWN in instance.meta:",
        blind=NO_LAYOUT,
    ),
)
