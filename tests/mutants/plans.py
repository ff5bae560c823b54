"""Brakes that decide what is to be done: the planner, successors, the guard, drains."""

from functools import partial

from mutants import RARE, brakes_of

plan = brakes_of("plan/planner.py", "plan/test_planner")
ownership = brakes_of("desired/ownership.py", "plan/test_planner", "engine/cycle/test_reconcile")
brakes = brakes_of("plan/brakes.py", "plan/test_planner")
successors = brakes_of("plan/replacements.py", "plan/test_replacements")
guard = brakes_of("plan/guard.py", "plan/test_guard")
contested = partial(
    brakes_of("plan/contested.py", "plan/test_contested"),
    blind="it does not do the same again at once",
)
refusals = brakes_of("plan/brakes.py", "plan/test_guard")
drain = brakes_of("plan/drain.py", "plan/test_drain")
last = brakes_of("plan/last_instance.py", "plan/test_drain")
aiming = brakes_of("plan/adjust.py", "plan/test_adjust")
wishes = brakes_of("plan/wanted.py", "plan/test_planner")

FREE = "its sources allow everything"

MUTANTS = (
    # Whose it is.
    ownership(
        "another owner's is ours",
        "            and mark.owner == self.owner\n            and mark.scope in",
        "            and mark.scope in",
    ),
    ownership(
        "another scope's is ours",
        "mark.scope in self.scopes.get(mark.source, ())",
        "mark.source in self.scopes",
    ),
    ownership(
        "another engine's is ours",
        "and (self.identities.get(mark.source) is None or self._has_identity(mark.source, mark))",
        "",
    ),
    ownership(
        "what is not told yet is another's",
        "self.identities.get(mark.source) is None or self",
        "self",
        "desired/test_ownership",
        "engine/cycle/test_namesakes",
        blind="its sources tell it with their scope",
    ),
    plan(
        "a namesake is not told",
        "elif one.id not in wanted and facts.ownership.is_namesake(one.mark):",
        "elif False:",
        blind="it looks at what is written, not at what is told",
    ),
    contested("a fight goes on for ever", "now < made.when + made.pause", "False"),
    contested(
        "a container that comes and goes is waited for",
        "before.content == content and",
        "",
    ),
    contested("peace makes no end", "and not before.is_old(now)", ""),
    plan("a conflict is overwritten", "if holder is None or have.mark is None:", "if not have.id:"),
    plan(
        "a stray is not told",
        "elif facts.ownership.is_stray(one.mark):",
        "elif False:",
        "plan/test_planner",
        "engine/cycle/test_reconcile",
        "engine/test_engine",
        blind="it looks at what is written, not at what is told",
    ),
    plan(
        "a duplicate is not told",
        "Skip(id_, SkipKind.DUPLICATE, text)",
        "Skip(id_, SkipKind.HELD, text)",
        blind="it looks at what is written, not at what is told",
    ),
    plan("the holder does not go first", "not holds, claim.order,", "False, claim.order,"),
    plan(
        "an id that labels chose goes before a workload's own",
        "(claim.given_id, not holds,",
        "(not holds,",
        blind="nothing in it chooses an id of another's form",
    ),
    plan(
        "another host's own id is taken from it",
        'want.instance.id.startswith(f"{mark.scope}:")',
        "False",
        blind="nothing in it chooses an id of another's form",
    ),
    plan(
        "another owner's entry is taken over",
        "return facts.ownership.is_elsewhere(mark) and not want.given_id",
        "return not want.given_id",
        blind="nothing in it chooses an id of another's form",
    ),
    plan(
        "the order of sources does not count",
        "holds, claim.order, claim.mark",
        "holds, 0, claim.mark",
        blind="either of two is right to it",
    ),
    plan("an unclear holder is replaced", "if why := holder.why_unclear(mark.workload):"),
    plan("a doubted holder is replaced", "if mark.source != want.mark.source and holder.doubt:"),
    # What is known.
    plan("a source in doubt removes", "    if source.doubt:", "    if False:"),
    plan("an incomplete registry removes", "    if not actual.complete:", "    if False:"),
    plan(
        "an unclear workload is removed",
        "if why := source.why_unclear(claim.workload):",
        blind=RARE,
    ),
    plan(
        "a rejected form is removed",
        "    if rejected := adjusted.keeps_older(claim):",
        "    if False:",
    ),
    wishes(
        "what must not be found stays",
        "found if found and not found.forbidden else None",
        "found",
        blind=FREE,
    ),
    aiming(
        "what consumers find is not judged",
        "if why := snapshot.limits.why_not(instance, found):",
        blind=FREE,
    ),
    plan(
        "an unreadable entry is written over",
        "if id_ in actual.unclear:",
        blind="its registry refuses what was read of another version",
    ),
    plan(
        "what is hidden is written again",
        "if not actual.complete and actual.hides_own and id_ in written:",
        blind="its registry refuses what was read of another version",
    ),
    plan("damage is no difference", "and not have.damaged and", "and"),
    plan(
        "the mark is not compared",
        "have.mark == want.mark and not",
        "not",
        blind="with another mark goes another address, always",
    ),
    brakes(
        "policies forbid nothing", "if not isinstance(change, POLICIES[context.policy])", "if False"
    ),
    brakes(
        "an unknown health is written",
        ".hold(held)",
        "",
        "engine/probes/test_probing",
        blind="it probes nothing",
    ),
    brakes(
        "what moved waits for its health",
        "or not stays(change, unprobed)",
        "",
        "engine/probes/test_probing",
        blind="it probes nothing",
    ),
    brakes(
        "what is damaged waits for its health",
        "elif isinstance(change, Update) and change.old.damaged:",
        "elif False:",
        "engine/probes/test_probing",
        blind="it probes nothing",
    ),
    successors(
        "a successor is not waited for", "change.after and not change.after & coming", "False"
    ),
    successors("a failed successor is one", " if put.id not in failed", "", blind=RARE),
    successors(
        "a successor that stands is waited for",
        "any(_is_registered(want, entries.get(want.instance.id)) for want in wants)",
        "False",
    ),
    successors(
        "another host's or owner's entry stands for ours",
        "return (found.mark.owner, found.mark.scope) == (want.mark.owner, want.mark.scope)",
        "return True",
    ),
    successors(
        "gone waits for a successor", "change.reason is Reason.NOT_OFFERED", "True", blind=RARE
    ),
    # The guard.
    guard("the share does not count", "len(risky) <= rules.share * plan.ours", "False", blind=RARE),
    guard("the least does not count", "len(risky) < rules.least or", "", blind=RARE),
    guard("a move is not risky", "isinstance(change, Update) and change.moves", "False"),
    guard("stopped is risky", "return not change.stopped", "return True", blind=RARE),
    guard("refuse confirms", 'rules.mode == "refuse" or ', "", blind="its guard confirms"),
    guard("the same listing confirms", "return listing > first and", "return"),
    guard("no time need pass", "and now - since >= PAUSE", ""),
    guard(
        "what the guard holds waits for no listing",
        'return held and self._rules.mode == "confirm"',
        "return False",
        "plan/test_guard",
        "engine/test_scheduler",
        blind="it lists whenever it works, asked or not",
    ),
    guard(
        "what is not held waits for a listing",
        'return held and self._rules.mode == "confirm"',
        'return self._rules.mode == "confirm"',
        blind="it lists whenever it works, asked or not",
    ),
    guard(
        "refuse waits for a listing",
        'return held and self._rules.mode == "confirm"',
        "return held",
        blind="it lists whenever it works, asked or not",
    ),
    guard(
        "what was seen before it shrank counts on",
        "            self._seen.clear()\n            return plan",
        "            return plan",
        blind=RARE,
    ),
    refusals(
        "a refused change is held with other content",
        "if content == _content(change) and",
        "if content and",
        blind=RARE,
    ),
    refusals("a refused change is tried on", "and self._clock() < until", "and False", blind=RARE),
    refusals("a refusal is for ever", "and self._clock() < until", ""),
    # Two that ask for one id.
    plan(
        "a refused holder is replaced",
        "or rejected is None:",
        "or True:",
        "plan/test_rivals",
    ),
    plan(
        "another's refusal keeps what stands",
        "if rejected := adjusted.keeps_older(claim):",
        "if rejected := next((r for c, r in adjusted.rejected.items() if c.id == id_), None):",
        "plan/test_rivals",
        blind=RARE,
    ),
    brakes(
        "what waits for another's health is held",
        "change.new if isinstance(change, Update) else change.old) in claims",
        "change.old)[0] in {i for i, *_ in claims}",
        "plan/test_rivals",
        blind="it probes nothing",
    ),
    plan(
        "the same id in another source is the same workload",
        "if mark.key == want.mark.key:",
        "if mark.workload == want.mark.workload:",
        "plan/test_rivals",
    ),
    aiming(
        "fed checks show whoever asks for the id",
        "[(c, result) for holds, c, result in found if holds]",
        "[(c, result) for holds, c, result in found if not holds]",
        "plan/test_rivals",
        blind="it has no checks",
    ),
    successors(
        "another's new entry is a successor",
        "if _service_of(found) != _service_of(want.registration):",
        "if False:",
    ),
    successors(
        "what another registers is a successor",
        "coming = {claim_of(put.new) for put in puts if put.id not in failed}",
        "coming = {c for p in plan.changes if isinstance(p, Deregister) for c in p.after"
        " if c[0] in {put.id for put in puts} - set(failed)}",
    ),
    successors(
        "what the sink has no form for is not waited for",
        "if adjusted.rejected[c].may_be(change.old.instance)",
        "if False",
        blind="all that it offers has a form",
    ),
    successors(
        "what stands in an older form is waited for",
        "if adjusted.keeps_older(claim) and not registered:",
        "if adjusted.keeps_older(claim):",
        blind="all that it offers has a form",
    ),
    successors(
        "another service that has no form is waited for",
        "if adjusted.rejected[c].may_be(change.old.instance)",
        "",
        blind="all that it offers has a form",
    ),
    # Drains.
    drain(
        "what its drain alone kept stays when that ends",
        "(_put(c) or _kept_by_drain(c))",
        "_put(c)",
        blind=RARE,
    ),
    drain(
        "a drain does what else is due",
        "if c.id in ids and (_put(c) or _kept_by_drain(c)))",
        "if _put(c) or _kept_by_drain(c))",
        blind="what is due breaks no promise, whoever does it",
    ),
    drain(
        "a drain removes",
        "if c.id in ids and (_put(c) or _kept_by_drain(c)))",
        "if c.id in ids)",
        blind="what is due breaks no promise, whoever does it",
    ),
    last(
        "the fed check of the last one shows its end",
        "LAST if key.instance in last else result",
        "result",
        blind="it has no checks",
    ),
    aiming(
        "a drain is withheld",
        "if instance.status in self._withhold and not hold:",
        "if instance.status in self._withhold:",
        "plan/test_drain",
        blind="it withholds nothing",
    ),
    last("the last one is drained", "if not left[service]:", "if False:"),
    last("a drain counts what goes as well", "and one.id not in going)", ")"),
    drain("a drain is forgotten", "mark.hold if asked is None else asked", 'asked or ""'),
    drain(
        "a drain ends with its entry's name",
        "holds.get(instance.id, before)",
        'holds.get(instance.id, "")',
        "plan/test_drain_renamed",
    ),
    drain(
        "whatever its container offers else is drained",
        "if one.fits(instance)]",
        "]",
        "plan/test_drain_renamed",
        blind=RARE,
    ),
    drain(
        "an entry that stands is drained with the old one",
        "holds.get(instance.id, before)",
        'before or holds.get(instance.id, "")',
        "plan/test_drain_renamed",
        blind=RARE,
    ),
    drain(
        "what waits for its successor cannot be undrained",
        "for one in fitting if one.asked]",
        "for one in fitting if False]",
        "plan/test_drain_renamed",
        blind=RARE,
    ),
    drain(
        "what waits for its successor is kept for ever",
        "for one in fitting if one.asked]",
        "for one in fitting]",
        "plan/test_drain_renamed",
    ),
    drain(
        "a drain of others goes over",
        "in touched and facts.source_of(mark):",
        "in touched:",
        "plan/test_drain_renamed",
        blind=RARE,
    ),
    last("an old address is kept up", "or not stays(change, places)", ""),
    aiming(
        "a drain outlives its workload",
        "held.get(key, ()), old.get(key)",
        "[one for every in held.values() for one in every], old.get(key)",
        "plan/test_drain",
    ),
    aiming(
        "a drain that cannot be shown is a removal",
        "            undrained is None\n            or",
        "            True\n            or",
        "plan/test_drain",
    ),
    drain(
        "a drain that nobody sees is one", "if shown not in (None, as_up)", "if True", blind=RARE
    ),
)
