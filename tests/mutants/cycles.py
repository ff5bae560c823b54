"""Brakes of what is known, of cycles, and of who runs them and when."""

from mutants import RARE, brakes_of

desired = brakes_of("desired/tracker.py", "desired/test_tracker")
snapshot = brakes_of("desired/snapshot.py", "desired/test_tracker")
difference = brakes_of("plan/incremental.py", "plan/test_incremental")
aiming = brakes_of("plan/adjust.py", "plan/test_adjust")
cycle = brakes_of("engine/cycle/reconcile.py", "engine/cycle/test_reconcile")
state = brakes_of("engine/cycle/sink_state.py", "engine/cycle/test_reconcile")
writer = brakes_of("engine/cycle/writer.py", "engine/cycle/test_reconcile")
reporter = brakes_of("engine/cycle/reporter.py", "engine/cycle/test_reconcile")
confirm = brakes_of("engine/cycle/confirm_gone.py", "engine/cycle/test_reconcile")
reading = brakes_of("engine/cycle/reading.py", "engine/cycle/test_reading")
election = brakes_of("engine/election.py", "engine/test_election")
pulse = brakes_of("engine/pulse.py", "engine/test_pulse")
loops = brakes_of("engine/loops.py", "engine/test_loops")
scheduler = brakes_of("engine/scheduler.py", "engine/test_scheduler")
engine = brakes_of("engine/engine.py", "engine/test_engine")
ownership = brakes_of("desired/ownership.py", "engine/test_engine")
memory = brakes_of("plugin/builtin/memory.py", "tests/plugin/builtin/test_memory.py")

MUTANTS = (
    # What is known of a source.
    desired(
        "before the first listing there is no doubt",
        'self._doubt = "it has not listed completely yet"',
        'self._doubt = ""',
        blind="a first listing that fails is a failure by itself",
    ),
    desired(
        "an incomplete listing is believed", 'else "its last listing was incomplete"', 'else ""'
    ),
    desired("a failure is no doubt", 'self._doubt = f"no answer: {error}"', "pass", blind=RARE),
    desired(
        "what a part does not show is forgotten",
        "kept = dict(old) if not view.complete",
        "kept = {} if not view.complete",
    ),
    desired(
        "what is unclear is forgotten",
        "{i: old[i] for i in unclear if i in old}",
        "{}",
        blind=RARE,
    ),
    snapshot(
        "what fails to translate is clear",
        "tracked is None or not tracked.translated.failed",
        "True",
        blind="all that runs there can be translated",
    ),
    desired("an old word is a fresh one", "self._clock() - asked <= FRESH", "True"),
    desired("a listing does not overrule a word", "and i not in runs", "", blind=RARE),
    desired(
        "the scope comes with the listing",
        "renamed, self._scope = scope != self._scope, scope",
        "renamed = True",
    ),
    desired(
        "an older answer counts",
        "if number > max(self._listed, *(self._answered.get(id_, 0) for id_ in ids)):",
        "if True:",
        blind="its sources answer at once",
    ),
    desired(
        "an older listing takes precedence over an answer",
        "if answered > number)",
        "if False)",
        blind="its sources answer at once",
    ),
    desired(
        "what a confirmation learned is not told",
        "self._unreported |= changed or followed or self._unclear != unclear",
        "pass",
        blind="it has no loops",
    ),
    desired(
        "what is asked for by name is another workload",
        "known = asked if answer is None else answer.id",
        "known = asked",
        blind="it asks by ids",
    ),
    # What need not be looked at.
    difference(
        "what was held is thought to be settled",
        "for item in (*plan.changes, *plan.skipped)",
        "for item in plan.changes",
    ),
    difference(
        "rivals are looked at singly",
        "keys, ids = adjuster.related(keys, ids)  # new",
        "# new",
        blind=RARE,
    ),
    difference(
        "what the sink holds instead is not looked at",
        "looked = former.keys() | last.open",
        "looked = last.open",
    ),
    difference(
        "what another id of its workload means is not looked at",
        "*adjuster.probing(), *keepers}",
        "*adjuster.probing()}",
        blind=RARE,
    ),
    difference(
        "what is open is not looked at again",
        "looked = former.keys() | last.open",
        "looked = former.keys()",
        "engine/cycle/test_reconcile",
        blind="its sinks are not asked again",
    ),
    difference(
        "what was taken over is thought to be as it was",
        "if contents.changed is None or self._adoption.hosts:",
        "if contents.changed is None:",
        "plan/test_adoption",
        blind="it takes nothing over",
    ),
    aiming(
        "new rivals are not compared",
        "more = {key for id_ in folded for key in self._claimants.get(id_, ())} - found",
        "more = set()",
        "plan/test_incremental",
        blind=RARE,
    ),
    # A cycle.
    cycle(
        "a drain is not looked for before a new name is written",
        "(takes or renamed)",
        "takes",
        "plan/test_drain_renamed",
        blind=RARE,
    ),
    cycle(
        "what was read ahead will do for a new name",
        "            self._state.reading.distrust()  # a reading that began",
        "            # a reading that began",
        "plan/test_drain_renamed",
        blind="it reads nothing ahead",
    ),
    aiming(
        "each start is a new name",
        "not (old_ids <= new_ids or new_ids <= old_ids)",
        "old_ids != new_ids",
        "plan/test_drain_renamed",
        blind="to read costs nothing there",
    ),
    state(
        "what a list that lags shows is kept alive",
        "return self._alive.copy().values()",
        "return self._entries.copy().values()",
        "engine/cycle/test_reconcile",
        blind="nothing renews in the middle of its cycles",
    ),
    state("what was written is not noted", "self._changed.add(id_)", "pass"),
    state(
        "what was read afresh is not compared",
        "self._changed, self._reread = None, True",
        "self._reread = True",
    ),
    writer(
        "who was broken off goes on writing",
        "if self._broken_off:",
        "if False:",
        "engine/test_engine",
        blind="it reloads nothing",
    ),
    confirm("gone is not confirmed", "and change.reason is Reason.WORKLOAD_GONE", "and False"),
    confirm(
        "an error confirms",
        'return Skip(change.id, SkipKind.UNCONFIRMED, f"{mark.source} did not',
        'return change or (f"{mark.source} did not',
        blind=RARE,
    ),
    confirm(
        "what was found stopped counts for the guard",
        "return attrs.evolve(change, stopped=True)",
        "return change",
        blind=RARE,
    ),
    confirm(
        "one that may not be asked for counts as silence",
        "unanswered[mark.source] += not isinstance(error, PermanentError)",
        "unanswered[mark.source] += 1",
        blind="its source answers for all or for none",
    ),
    confirm("what runs after all goes", "if workload.state.offered:", "if False:"),
    confirm(
        "a silent source is asked on",
        "if unanswered[mark.source] >= UNANSWERED:",
        "if False:",
        blind="asking costs no time there",
    ),
    reading(
        "what was written meanwhile is forgotten",
        "for id_ in self._written:",
        "for id_ in ():",
        blind=RARE,
    ),
    reading(
        "an uncertain write is no reason to read again",
        "self.trusted = False\n\n",
        "pass\n\n",
        blind=RARE,
    ),
    cycle("the guard is not asked", "        guard,\n", ""),
    cycle("the policy is not asked", "        apply_policy,\n", ""),
    writer(
        "refusals are not remembered",
        "self._refusals.note(change, error_text(error))",
        "pass",
        blind="one request too many breaks no promise",
    ),
    reporter(
        "a conflict counts as refused",
        " and not isinstance(error, Conflict)",
        "",
        blind="it waits for longer than a refusal lasts",
    ),
    writer(
        "after an error nothing is read",
        "        self._state.distrust()\n        if",
        "        if",
        blind="its last cycles all read afresh",
    ),
    state(
        "a failed read is no reason to read",
        "            self._view = None  # not trusted",
        "            # not trusted",
        blind="its last cycles all read afresh",
    ),
    cycle(
        "what lags is not asked again",
        "if plan.changes and self.sink.stale_for:",
        "if False:",
    ),
    cycle(
        "old ones go first",
        "puts = [change for change in plan.changes if not isinstance(change, Deregister)]",
        "puts = list(plan.changes)[::-1]",
        "engine/cycle/test_reconcile",
    ),
    state(
        "what was written is forgotten",
        "self._written.add(id_)",
        "pass",
        blind="its registry refuses what was read of another version",
    ),
    writer(
        "a sink's silence is success",
        "        for change in left.values():\n            yield Outcome(change, error=error)\n",
        "        for change in left.values():\n            yield Outcome(change)\n",
        blind="its sink says what became of each change",
    ),
    cycle(
        "what is held is let go",
        "return tuple(filter(self.manages, self._state.alive()))",
        "return ()",
        blind="what it does not hold it does not know either",
    ),
    cycle(
        "exit releases what is others'",
        "one.mark.owner == self._owner and",
        "",
        blind="it releases nothing at its end",
    ),
    cycle(
        "a removal does not wait for its successor to succeed",
        "plan = hold_unreplaced(plan, {o.change.id for o in outcomes if o.error is not None})",
        "plan = hold_unreplaced(plan)",
        "plan/test_replacements",
    ),
    cycle(
        "what may not be read is changed",
        "plan = plan.hold(unread)",
        "pass",
        blind="its registry refuses what was read of another version",
    ),
    reading(
        "it is read beside writing where that is not allowed",
        "self._sink.reads_beside and self.trusted",
        "self.trusted",
        blind="it has no loops",
    ),
    cycle(
        "a purge believes what was read before",
        "self._state.reading.distrust()\n        ",
        "",
        blind="it purges nothing",
    ),
    cycle(
        "the end of a drain takes the last one away",
        "careful = not force if hold else self._part.keep_last",
        "careful = bool(hold) and not force",
        "plan/test_drain",
        blind=RARE,
    ),
    cycle(
        "the last one is not asked for",
        "takes = careful and any(",
        "takes = False and any(",
        "plan/test_drain",
    ),
    cycle(
        "who is up was read before",
        "(takes or renamed)",
        "renamed",
        "plan/test_drain",
        blind=RARE,
    ),
    # The lock.
    election(
        "a standby writes",
        "        if self.leads():\n            return plan",
        "        if True:\n            return plan",
    ),
    cycle(
        "a cycle does not ask who writes",
        "self.carry_out(self.only_if_leading(self.plan(fresh=fresh)), started)",
        "self.carry_out(self.plan(fresh=fresh), started)",
        "engine/test_election",
    ),
    engine(
        "a command does not ask who writes",
        "plan = reconciler.only_if_leading(plans[reconciler.name])",
        "plan = plans[reconciler.name]",
        "engine/test_election",
        blind="it runs no such command",
    ),
    election(
        "what a lost lead left counts as done",
        "return plan.hold({c.id: Skip(c.id, SkipKind.LOST, text) for c in changes if",
        "return plan.hold({c.id: Skip(c.id, SkipKind.LOST, text) for c in () if",
        blind=RARE,
    ),
    election(
        "who leads does so too long", "asked + 2 * self.pause", "asked + 4 * self.pause", blind=RARE
    ),
    election(
        "a lost lead does not stop",
        "return self._expect_lead if self.leads() else",
        "return",
        blind=RARE,
    ),
    election(
        "who leads again does not look",
        "self.terms += 1",
        "pass",
        blind="its last cycles all read afresh",
    ),
    election(
        "a break is forgotten",
        "self._broke_off or not self.leads()",
        "not self.leads()",
        blind="its last cycles all read afresh",
    ),
    writer(
        "what a lost lead left is done",
        "except LeadLost:",
        "except ZeroDivisionError:",
        "engine/test_election",
        blind=RARE,
    ),
    # Pulses, loops, commands.
    pulse(
        "a failed renewal keeps reports back",
        "            finally:\n",
        "            except ZeroDivisionError:\n                raise\n            else:\n",
        blind="it reports no health",
    ),
    pulse(
        "a loss is not told",
        "self._on_loss()",
        "pass",
        "engine/test_pulse",
        "engine/test_scheduler",
        blind="it has no loops: what is lost is found by the next cycle",
    ),
    loops(
        "an exception ends a loop",
        "except BaseException as error:  # noqa: BLE001 - a loop",
        "except ZeroDivisionError as error:  # noqa: BLE001 - a loop",
        blind="it has no loops",
    ),
    scheduler(
        "failures are not told to the tracker",
        ", on_failure=tracker.note_failure",
        "",
        blind="it has no loops",
    ),
    scheduler(
        "after a failure ids are enough",
        'due, self._due = self._due, float("-inf")',
        "due = self._due",
        blind="it has no loops",
    ),
    scheduler(
        "the interval is not kept",
        "asked = Trigger.EVERYTHING in wakes or self._clock() >= due",
        "asked = Trigger.EVERYTHING in wakes",
        blind="it has no loops",
    ),
    ownership(
        "purge takes other scopes",
        "any(self._has_identity(name, mark) for name in self._of_scope(mark))",
        "True",
        blind="it purges nothing",
    ),
    engine(
        "the plan that was seen does not count",
        "if expect and ",
        "if False and ",
        blind="it has no plans that somebody looks at first",
    ),
    memory(
        "the memory sink overwrites",
        "if found != expected:",
        "if False:",
        "tests/plugin/builtin/test_memory.py",
        blind="it has a registry of its own",
    ),
)
