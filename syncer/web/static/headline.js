// One sentence about everything, and a number for each registry.

import { $, make, put, show } from "./elements.js";
import { missed } from "./problems.js";
import { are, clock, listed, many, number, since } from "./words.js";

const inSync = (sink) => sink.state === "working" && sink.registered === sink.wanted;

function unreachable(parts) {
  if (parts.length !== 1) return parts.length ? [`${listed(parts.map((one) => one.name))} are unreachable.`] : [];
  return [`${parts[0].name} is unreachable${parts[0].since ? ` since ${since(parts[0].since)}` : ""}.`];
}

function ofRegistries(sinks, away) {
  const rest = sinks.filter((sink) => !away.includes(sink)), unread = rest.filter((sink) => sink.registered === null);
  const words = rest.filter((sink) => !unread.includes(sink) && !inSync(sink)).map(
    (sink) => `${sink.name} holds ${number(sink.registered)} of ${many(sink.wanted, "instance")}.`);
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
  for (const one of status.sources.filter((source) => source.state === "degraded")) fair.push(`The event stream of ${one.name} is interrupted.`);
  if (!bad.length) for (const one of status.late) bad.push(`${one.loop}: ${one.why}.`);
  const sick = status.statuses.unhealthy || 0;
  if (sick) fair.push(`${many(sick, "instance")} ${are(sick)} unhealthy.`);
  const rest = ofRegistries(status.sinks, away);
  const well = !fair.length && status.sinks.every((sink) => inSync(sink) || away.includes(sink));
  return { bad, rest: [...fair, ...rest], well };
}

export function showHeadline(status) {
  const { bad, rest, well } = sentences(status);
  show("headline", [make("span", {}, make("strong", {}, bad.join(" ")), ` ${rest.join(" ")}`)]);
  $("summary").className = `panel ${bad.length ? "bad" : well ? "good" : "wait"}`;
  const left = missed(status), sick = status.statuses.unhealthy || 0;
  show("numbers", [
    ...status.sinks.map((sink) => tile(sink.name, `${sink.registered === null ? "?" : number(sink.registered)} / ${number(sink.wanted)}`,
      inSync(sink) ? "good" : sink.state === "failing" ? "bad" : "wait")),
    tile("unhealthy", sick ? make("button", { type: "button", "data-status": "unhealthy" }, number(sick)) : "0", sick ? "wait" : ""),
    tile("not registered", left ? make("a", { href: "#leftout-title" }, number(left)) : "0", left ? "wait" : ""),
  ]);
  document.title = `${status.host} - syncer`;
  put("host", status.host);
}

function tile(word, value, tone) {
  return make("div", { "data-key": word, class: tone }, make("dt", {}, word), make("dd", {}, value));
}
