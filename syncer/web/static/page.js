// The status page: loads everything, shows it, and handles input.

import { $, make, put, show } from "./elements.js";
import { Refused, Silent, ask, post, token } from "./ask.js";
import { age, clock, many, number } from "./words.js";
import { listen } from "./live.js";
import { openGuard } from "./guard.js";
import { tell } from "./story.js";

const PAGE = 50; // instances shown at a time
const SHOWN_EVENTS = 200;
const SHOWN_SKIPS = 50;
const view = { offset: 0, shown: 0, total: 0, at: null, heard: 0, asked: 0, failing: null, away: false, changing: false };

// Show

function summary(status) {
  const words = [];
  const failing = parts(status).filter(([, part]) => part.state === "failing").map(([, part]) => part.name);
  if (failing.length) words.push(`Unreachable: ${failing.join(", ")}.`);
  const count = status.instances;
  words.push(`${number(count.registered || 0)} of ${many(count.wanted, "instance")} registered.`);
  for (const [state, word] of [["failed", "failed"], ["held", "held back"], ["pending", "pending"], ["unknown", "unknown"]])
    if (count[state]) words.push(`${number(count[state])} ${word}.`);
  if (!failing.length && status.late.length)
    words.push(`Late: ${status.late.map((one) => `${one.loop} (${one.why})`).join("; ")}.`);
  if (status.refused)
    words.push(`The configuration was refused at ${clock(status.refused.time)}; the previous one stays in use: ${status.refused.problems.join("; ")}`);
  $("summary").className = failing.length || status.late.length || status.refused ? "bad" : "";
  put("summary", words.join(" "));
}

const parts = (status) => [
  ...status.sources.map((part) => [`source ${part.name}`, part]), ...status.sinks.map((part) => [`sink ${part.name}`, part]),
];

// Announces once, for screen readers too, which parts became unreachable and which are back.
function announce(status) {
  const before = view.failing, failing = new Set(), news = [];
  for (const [name, part] of parts(status)) {
    const was = before !== null && before.has(name);
    if (part.state === "failing" || (was && part.state !== "working")) failing.add(name);
    if (before !== null && !was && failing.has(name)) news.push(`${name} is unreachable`);
    if (was && !failing.has(name)) news.push(`${name} is back`);
  }
  view.failing = failing;
  if (view.away) news.push("syncer is back");
  view.away = false;
  if (news.length) put("news", `${clock(new Date())}: ${news.join(", ")}.`);
}

function title(part) {
  return make("h3", {}, part.kind && part.kind !== part.name ? `${part.name} (${part.kind})` : part.name);
}

function sourceCard(source) {
  const words = [make("p", {}, `${many(source.workloads, "workload")}, ${many(source.instances, "instance")}.`)];
  if (source.state === "failing")
    words.unshift(make("p", { class: "why" }, `Unreachable: ${source.why} (${many(source.failures, "try", "tries")} in a row). Entries are kept until it is back.`));
  else if (source.why) words.push(make("p", {}, `${source.why}: nothing is removed until a complete listing.`));
  if (source.unclear) words.push(make("p", {}, `${many(source.unclear, "workload")} cannot be read now.`));
  if (source.problems) words.push(make("p", {}, `${many(source.problems, "problem")} in labels.`));
  words.push(make("p", { class: "quiet" }, `Last listing ${age(source.age)}. Scope ${source.scopes.join(", ") || "unknown so far"}.`));
  return make("li", { class: source.state, "data-key": source.name }, title(source), ...words);
}

function sinkCard(sink) {
  const words = [];
  if (sink.state === "failing")
    words.push(make("p", { class: "why" }, `Unreachable: ${sink.why} (${many(sink.failures, "try", "tries")} in a row). ${sink.age === null ? "Not read yet." : `Data from ${age(sink.age)}.`}`));
  if (sink.state === "waiting") words.push(make("p", {}, "Not read yet."));
  words.push(make("p", {}, `${many(sink.registrations, "entry", "entries")}: ${number(sink.unchanged)} up to date, ${number(sink.foreign)} foreign.`));
  for (const problem of sink.problems) words.push(make("p", { class: "why" }, `${problem}.`));
  if (sink.failed) words.push(make("p", { class: "why" }, `${many(sink.failed, "change")} failed.`));
  if (sink.skips.guard)
    words.push(make("p", { class: "why" }, `The guard holds ${many(sink.skips.guard, "removal or move", "removals and moves")}: too many at once.`),
      make("button", { type: "button", "data-guard": sink.name }, `Show what the guard holds at ${sink.name}`));
  if (sink.skips.conflict) words.push(make("p", {}, `${many(sink.skips.conflict, "conflict")}: id already taken by a foreign entry.`));
  if (sink.skips.namesake) words.push(make("p", { class: "why" }, `${many(sink.skips.namesake, "entry", "entries")} of another engine with the name of this one.`));
  if (sink.skips.contested) words.push(make("p", { class: "why" }, `${many(sink.skips.contested, "change")} that somebody else undoes again and again.`));
  if (sink.leads === false) words.push(make("p", {}, "Another syncer has the lock and writes here."));
  if (sink.pulse)
    words.push(make("p", { class: sink.pulse.why ? "why" : "" }, sink.pulse.why ? `Renewals fail: ${sink.pulse.why}` : `Renewed ${age(sink.pulse.age)}.`));
  if (sink.age !== null)
    words.push(make("p", { class: "quiet" }, `Last check ${age(sink.age)}, took ${Math.round(sink.seconds * 1000)} ms.`));
  return make("li", { class: sink.state, "data-key": sink.name }, title(sink), ...words);
}

function choices(id, names) {
  show(id, [make("option", { value: "" }, "all"), ...names.map((name) => make("option", { value: name, "data-key": name }, name))]);
}

function skipLine(skip) {
  return make("li", { "data-key": `${skip.sink} ${skip.id}` }, make("strong", {}, skip.kind), ` ${skip.id} in ${skip.sink}: ${skip.reason}`);
}

function driftLine(one) {
  return make("li", {}, make("time", { dateTime: one.time }, clock(one.time)),
    `${one.sink}: ${one.action} ${one.service} ${one.id}${one.changed ? `, ${one.changed.join(", ")}` : ""}`);
}

function row(one) {
  const story = make("button", { type: "button", "data-story": one.id }, one.service);
  const cells = [
    [make("span", {}, story), "Service"], [one.endpoint, "Address"],
    [[one.source, one.name || one.workload.slice(0, 12)].filter(Boolean).join(": ") || one.owner, "From"],
    [make("span", { class: "tags" }, [...one.tags, ...(one.status === "up" ? [] : [one.status])].join(", ")), "Tags"],
    [make("span", {}, ...Object.entries(one.sinks).map(([sink, standing]) => make("span", { class: `state ${standing.state}` },
      `${sink}: ${standing.state}${standing.why ? ` (${standing.why})` : ""}`))), "Registered in"],
  ];
  return make("tr", { "data-key": one.id }, ...cells.map(([child, label]) => make("td", { "data-label": label }, child)));
}

// Focus in a row that goes away moves to the next row.
function showRows(rows) {
  const all = () => [...$("rows").children];
  const at = all().findIndex((one) => one.contains(document.activeElement));
  show("rows", rows);
  if (at < 0 || all().some((one) => one.contains(document.activeElement))) return;
  const next = all()[Math.min(at, all().length - 1)];
  (next ? next.querySelector("button") : $("q")).focus({ preventScroll: true });
}

async function instances() {
  const question = ++view.asked;
  const asked = new URLSearchParams({ offset: view.offset, limit: PAGE, q: $("q").value });
  for (const name of ["sink", "source", "state", "whose"]) if ($(name).value) asked.set(name, $(name).value);
  const found = await ask(`instances?${asked}`);
  if (question !== view.asked) return; // a newer request is under way
  if (found.total && view.offset >= found.total) { view.offset = 0; return instances(); }
  view.total = found.total;
  view.shown = found.items.length;
  showRows(found.items.map(row));
  put("count", many(found.total, "instance"));
  put("place", found.total ? `${number(view.offset + 1)} to ${number(view.offset + found.items.length)} of ${number(found.total)}` : "none");
  $("earlier").disabled = view.offset === 0;
  $("later").disabled = !found.more;
  if (found.number < view.heard) soon(); // the answer does not include the latest lines
}

async function refresh() {
  try {
    const status = await ask("status");
    view.at = new Date();
    view.changing = status.token.changing;
    put("about", `${status.version}, owner ${status.owner}, up ${age(status.uptime).replace(" ago", "")}`);
    summary(status);
    announce(status);
    show("sources", status.sources.map(sourceCard));
    show("sinks", status.sinks.map(sinkCard));
    choices("source", status.sources.map((one) => one.name));
    choices("sink", status.sinks.map((one) => one.name));
    $("changes").hidden = !view.changing;
    const skips = await ask(`skips?limit=${SHOWN_SKIPS}`);
    show("skips", skips.items.map(skipLine));
    $("skips-none").hidden = skips.total > 0;
    put("skips-more", skips.total > SHOWN_SKIPS ? `and ${number(skips.total - SHOWN_SKIPS)} more` : "");
    const drift = await ask("drift");
    show("drift", drift.slice(0, 20).map(driftLine));
    $("drift-none").hidden = drift.length > 0;
    await instances();
    document.body.dataset.loaded = status.number;
  } catch (error) {
    failed(error);
  }
}

function failed(error) {
  if (error instanceof Refused && error.status === 401) {
    if (!$("login").open) $("login").showModal();
  } else if (error instanceof Refused || error instanceof Silent) {
    const how = error instanceof Refused ? `Unexpected answer from syncer: ${error.message}.` : "syncer is unreachable.";
    $("summary").className = "bad";
    put("summary", `${how} ${view.at ? `Data from ${clock(view.at)}.` : ""}`);
    if (!view.away) put("news", `${clock(new Date())}: syncer is unreachable.`);
    view.away = true;
  } else throw error;
}

// One request at a time, and at most about one a second.
let asking = null, again = false;
function soon() {
  if (asking) { again = true; return; }
  asking = setTimeout(async () => {
    try {
      await refresh();
    } finally {
      asking = setTimeout(() => { asking = null; if (again) { again = false; soon(); } }, 700);
    }
  }, 100);
}

// The log, newest first. New lines wait while the reader is scrolled down.

const waiting = [];

function line(one) {
  return make("li", {}, make("time", { dateTime: one.time }, clock(one.time)),
    make("span", { class: one.level }, one.level === "warning" ? "warning: " : "", one.text));
}

function showEvents() {
  const list = $("events");
  if (list.scrollTop > 0 && waiting.length) {
    put("events-more", `${waiting.length === SHOWN_EVENTS ? "Many newer lines" : many(waiting.length, "newer line")}: go to the top to see them.`);
    return;
  }
  put("events-more", "");
  list.prepend(...waiting.splice(0).reverse().map(line));
  while (list.children.length > SHOWN_EVENTS) list.lastChild.remove();
}

function addLines(lines) {
  waiting.push(...lines);
  waiting.splice(0, waiting.length - SHOWN_EVENTS);
  showEvents();
}

const live = {
  all: (lines) => { waiting.length = 0; $("events").replaceChildren(...lines.slice().reverse().map(line)); put("events-more", ""); },
  lines: addLines,
  heard: (last) => { view.heard = last; soon(); },
  live: (connected) => {
    put("live", connected ? "live" : "not live, polling every 5 s");
    $("live").className = connected ? "badge good" : "badge";
  },
};

// Input

let typing = null;
function filtered() { view.offset = 0; clearTimeout(typing); typing = setTimeout(() => instances().catch(failed), 150); }
function turn(by) { view.offset = Math.max(0, view.offset + (by > 0 ? view.shown : -PAGE)); instances().catch(failed); }

async function change(event) {
  event.preventDefault();
  const what = event.submitter ? event.submitter.value : "drain";
  const { said } = await post(what, $("change-token").value, { name: $("change-name").value });
  const applied = said.sinks ? Object.entries(said.sinks).map(([sink, one]) => {
    const why = Object.values(one.skipped);
    return `${sink}: ${many(one.applied, "change")} of ${one.of}${why.slice(0, 5).map((text) => `; ${text}`).join("")}${why.length > 5 ? `; and ${why.length - 5} more` : ""}`;
  }).join(". ") : "";
  put("change-said", said.error || said.done || applied);
}

function pressed(event) {
  const { story, guard } = event.target.dataset;
  if (story) tell(story, event.target.textContent).catch(failed);
  if (guard) openGuard(guard, view.changing).catch(failed);
}

$("filter").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["q", "sink", "source", "state", "whose"]) $(id).addEventListener("input", filtered);
$("earlier").addEventListener("click", () => turn(-1));
$("later").addEventListener("click", () => turn(1));
$("events").addEventListener("scroll", showEvents);
$("change").addEventListener("submit", change);
document.addEventListener("click", pressed);
$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set($("token").value);
  $("login").close();
  soon();
});
setInterval(soon, 5000);
soon();
listen(live);
