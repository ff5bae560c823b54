// What needs attention: each problem once, with what it means and what to do.

import { $, make, put, show } from "./elements.js";
import { are, listed, many, nextTry, number, since, short, upper } from "./words.js";

const SHOWN = 5, MOST = 200; // of those that are not registered: at first, and at most
const ALIKE = 3; // so many of one kind in one registry are shown as one

const ADVICE = {
  conflict: "Remove that entry, or give the container another id.",
  namesake: "Give each engine a name of its own, or set former_identities if it is the same engine, installed again.",
  duplicate: "Give one of them another id.",
  incomplete: "Let the token read all entries.", hidden: "Let the token read all entries.",
  refused: "Change the container's labels or the registry's settings, then restart the container.",
  contested: "Find out who else writes this entry.",
  rejected: "Change the container's labels.",
  forbidden: "Change the container's labels, or allow it in the settings of the source.",
  stray: "Configure the source again, or remove the entry with syncer deregister.",
};
const KINDS = { "no-port": "no port", "no-address": "no address", "no-parser": "no label parser", problem: "problem", filtered: "filtered", unclear: "unclear", state: "not listed", warning: "label problem", ignored: "ignored" };

function item(key, tone, word, text, more, ...buttons) {
  return make("li", { "data-key": key, class: tone }, make("strong", { class: `mark ${tone}` }, word),
    make("div", {}, make("p", {}, text), more ? make("p", { class: "quiet" }, more) : null), make("div", { class: "buttons" }, ...buttons));
}

const button = (word, about, data) => make("button", { type: "button", "aria-label": `${word} ${about}`, ...data }, word);
const explain = (name) => button("Explain", name, { "data-story": name });

function away(part, kept) {
  const times = [part.since ? `Since ${since(part.since)}` : "", `${many(part.failures, "try", "tries")} so far`, nextTry(part)].filter(Boolean).join(", ");
  return item(`away ${part.name}`, "bad", "unreachable", `${part.name}: ${part.why}`, `${times}. ${kept}`);
}

function ofParts(status) {
  const found = [];
  if (status.refused) found.push(item("refused", "bad", "refused", `The configuration: ${status.refused.problems.join("; ")}`, "The previous one stays in use. Correct it and reload."));
  for (const sink of status.sinks.filter((one) => one.state === "failing"))
    found.push(away(sink, sink.age === null ? "It has not been read yet." : "Its entries are kept."));
  for (const source of status.sources.filter((one) => one.state === "failing")) found.push(away(source, "Its entries are kept until it is back."));
  for (const part of [...status.sources, ...status.sinks].filter((one) => one.state === "degraded"))
    found.push(item(`events ${part.name}`, "wait", "events interrupted", `${part.name}: ${part.why}`, `Changes are noticed at the next listing. ${upper(nextTry(part))}.`));
  const failing = new Set([...status.sources, ...status.sinks].filter((one) => one.state === "failing").map((one) => one.name));
  for (const { loop, why } of status.late.filter((one) => !failing.has(one.loop.replace(/^\w+ /, ""))))
    found.push(item(`late ${loop}`, "bad", "late", `${upper(loop)}: ${why}.`, ""));
  return found;
}

function ofSink(sink) {
  const found = [];
  if (sink.skips.guard)
    found.push(item(`guard ${sink.name}`, "wait", "held by the guard", `${many(sink.skips.guard, "removal or move", "removals and moves")} in ${sink.name}: too many at once`,
      "Nothing is removed until they are confirmed.", make("button", { type: "button", "data-guard": sink.name }, `Show what the guard holds at ${sink.name}`)));
  if (sink.pulse && sink.pulse.why) found.push(item(`pulse ${sink.name}`, "bad", "renewals fail", `${sink.name}: ${sink.pulse.why}`, "Entries that are not renewed expire."));
  for (const text of sink.problems) found.push(item(`sink ${sink.name} ${text}`, "wait", "registry", `${sink.name}: ${text}`, ""));
  if (sink.failed)
    found.push(item(`failed ${sink.name}`, "bad", "failed", `${many(sink.failed, "change")} in ${sink.name} failed`, "syncer tries again by itself.", button("Show", "failed", { "data-state": "failed" })));
  return found;
}

function ofSkips(skips, doubted) {
  const groups = new Map();
  for (const one of skips.filter((skip) => skip.problem && skip.kind !== "guard" && !(doubted && ["doubt", "unconfirmed"].includes(skip.kind)))) {
    const key = `${one.kind} ${one.sink}`;
    groups.set(key, [...(groups.get(key) || []), one]);
  }
  return [...groups].flatMap(([key, some]) => {
    const about = ({ kind, means }) => [`${upper(means)}.`, ADVICE[kind]].filter(Boolean).join(" ");
    if (some.length <= ALIKE)
      return some.map((one) => item(`${key} ${one.id}`, "wait", one.kind, `${one.id} in ${one.sink}: ${one.reason}`, about(one), explain(one.id)));
    return [item(key, "wait", some[0].kind, `${number(some.length)} entries in ${some[0].sink}, for example ${some[0].id}: ${some[0].reason}`,
      about(some[0]), button("Show", "held back", { "data-state": "held" }))];
  });
}

function ofHealth(status) {
  const sick = status.statuses.unhealthy || 0;
  if (!sick) return [];
  const names = status.flow.filter((one) => one.service && one.statuses.unhealthy).map((one) => one.service);
  return [item("unhealthy", "unhealthy", "unhealthy", `${listed(names.slice(0, 5))}: ${many(sick, "instance")} ${are(sick)} unhealthy`, "", button("Show", "unhealthy", { "data-status": "unhealthy" }))];
}

export function showProblems(status, skips) {
  const found = [...ofParts(status), ...status.sinks.flatMap(ofSink), ...ofHealth(status),
    ...ofSkips(skips, status.sources.some((one) => one.state === "failing"))];
  found.sort((a, b) => (b.className === "bad") - (a.className === "bad"));
  show("problems-list", found);
  put("problems-count", number(found.length));
  $("problems").hidden = !found.length;
  left.all = [...status.not_registered || []].sort((a, b) => QUIET.includes(a.kind) - QUIET.includes(b.kind));
  left.missed = missed(status);
  showLeftOut();
}

// Workloads that are not registered.

const left = { all: [], missed: 0, open: false };
const QUIET = ["state", "warning", "unknown", "ignored"]; // nobody misses these

// How many are not registered that somebody may miss: the list is bounded, the counts by kind are not.
export function missed(status) {
  const kinds = status.left_out ? status.left_out.kinds : {};
  return Object.entries(kinds).reduce((all, [kind, count]) => all + (QUIET.includes(kind) ? 0 : count), 0);
}

export function leftOut(one) {
  const tone = QUIET.includes(one.kind) ? "idle" : "wait";
  const name = !one.workload ? one.source : one.port ? `${one.workload}, port ${one.port}` : one.workload;
  const where = [one.source, short(one.id)].filter((text) => text && text !== one.workload).join(", ");
  return item(`${one.source} ${one.id} ${one.port} ${one.kind} ${one.reason}`, tone, one.workload ? KINDS[one.kind] || one.kind : "setting", `${name}: ${one.reason}`,
    [one.advice ? `${upper(one.advice.replace(/\.$/, ""))}.` : "", where ? `(${where})` : "", one.more ? `And ${number(one.more)} more of ${one.workload}.` : ""].filter(Boolean).join(" "), ...(one.workload ? [explain(one.workload)] : []));
}

// What stopped is found by the search, and shown among all.
function showLeftOut() {
  const first = left.all.filter((one) => one.kind !== "state"), shown = left.open ? left.all.slice(0, MOST) : first.slice(0, SHOWN);
  $("leftout").hidden = !first.length;
  put("leftout-what", left.missed ? "Not registered, and why" : "Problems in labels and settings");
  put("leftout-count", left.missed ? number(left.missed) : "");
  show("leftout-list", shown.map(leftOut));
  $("leftout-all").hidden = left.open || shown.length === left.all.length;
  put("leftout-all", `Show all ${number(left.all.length)}`);
}

$("leftout-all").addEventListener("click", () => { left.open = true; showLeftOut(); });
