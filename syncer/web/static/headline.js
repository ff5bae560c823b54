// One sentence about everything, and a number for each registry.

import { $, make, put, show } from "./elements.js";
import { missed } from "./problems.js";
import { are, clock, listed, many, number, since } from "./words.js";

function unreachable(parts) {
  if (parts.length !== 1) return parts.length ? [`${listed(parts.map((one) => one.name))} are unreachable.`] : [];
  return [`${parts[0].name} is unreachable${parts[0].since ? ` since ${since(parts[0].since)}` : ""}.`];
}

// What a registry lacks.
function lacking(sink) {
  const held = Object.entries(sink.held_back), count = held.reduce((all, [, some]) => all + some, 0);
  return [
    sink.registered === sink.wanted ? "" : `holds ${number(sink.registered)} of ${many(sink.wanted, "instance")}`,
    sink.failed ? `has ${many(sink.failed, "failed change")}` : "",
    sink.pulse && sink.pulse.why ? "is not renewed" : "",
    count ? `has ${many(count, "change")} held back (${held.map(([kind]) => kind).join(", ")})` : "",
  ].filter(Boolean);
}

function ofRegistries(sinks, away) {
  const rest = sinks.filter((sink) => !away.includes(sink)), unread = rest.filter((sink) => sink.registered === null);
  const behind = rest.filter((sink) => !unread.includes(sink) && !sink.in_sync), [short, old] = [1, 0].map((some) => behind.filter((sink) => Boolean(lacking(sink).length) === Boolean(some)));
  const words = short.map((sink) => `${sink.name} ${listed(lacking(sink))}.`);
  if (old.length) words.push(`${listed(old.map((sink) => sink.name))} ${old.length === 1 ? "holds" : "hold"} what was last read.`);
  if (unread.length) words.push(`${listed(unread.map((sink) => sink.name))} ${unread.length === 1 ? "has" : "have"} not been read yet.`);
  if (words.length || !rest.length) return words;
  if (!rest.some((sink) => sink.wanted)) return away.length ? [] : ["Nothing to register yet."];
  if (rest.length === 1) return [away.length ? `${rest[0].name} is in sync.` : `In sync: ${many(rest[0].wanted, "instance")} registered in ${rest[0].name}.`];
  const count = rest.length === 2 ? "two" : number(rest.length), all = rest.length === 2 ? "Both" : `All ${count}`;
  return [away.length ? `The other ${count} registries are in sync.` : `${all} registries are in sync.`];
}

function sentences(status) {
  const failing = (parts) => parts.filter((part) => part.state === "failing");
  const away = failing(status.sinks), sources = failing(status.sources), bad = [], fair = [];
  if (status.refused) bad.push(`The configuration was refused at ${clock(status.refused.time)}.`);
  bad.push(...unreachable(away), ...unreachable(sources));
  for (const one of [...status.sources, ...status.sinks].filter((part) => part.state === "degraded")) fair.push(`The event stream of ${one.name} is interrupted.`);
  for (const one of status.sources.filter((source) => source.state === "working" && source.why)) fair.push(`${one.name}: ${one.why}.`);
  if (!bad.length) for (const one of status.late) bad.push(`${one.loop}: ${one.why}.`);
  const sick = status.statuses.unhealthy || 0;
  if (sick) fair.push(`${many(sick, "instance")} ${are(sick)} unhealthy.`);
  const rest = ofRegistries(status.sinks, away), drained = status.statuses.draining || 0;
  if (drained) rest.push(`${many(drained, "instance")} ${are(drained)} draining.`);
  const well = !fair.length && status.in_sync;
  return { bad, rest: [...fair, ...rest], well };
}

export function showHeadline(status) {
  const { bad, rest, well } = sentences(status);
  show("headline", [make("span", {}, make("strong", {}, bad.join(" ")), ` ${rest.join(" ")}`)]);
  $("summary").className = `panel ${bad.length ? "bad" : well ? "good" : "wait"}`;
  const left = missed(status), sick = status.statuses.unhealthy || 0;
  show("numbers", [
    ...status.sinks.map((sink) => tile(sink.name, `${sink.registered === null ? "?" : number(sink.registered)} / ${number(sink.wanted)}`,
      sink.in_sync ? "good" : sink.state === "failing" ? "bad" : "wait")),
    tile("unhealthy", sick ? make("button", { type: "button", "data-status": "unhealthy" }, number(sick)) : "0", sick ? "bad" : ""),
    tile("not registered", left ? make("a", { href: "#leftout-title" }, number(left)) : "0", left ? "wait" : ""),
  ]);
  document.title = `${status.host} - syncer`;
  put("host", status.host);
}

function tile(word, value, tone) {
  return make("div", { "data-key": word, class: tone }, make("dt", {}, word), make("dd", {}, value));
}
