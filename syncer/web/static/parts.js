// A card for each registry and each source.

import { make, show } from "./elements.js";
import { age, many, number, since } from "./words.js";

const STATES = { working: "", failing: "unreachable", waiting: "not read yet", degraded: "events interrupted" };
const TONES = { working: "good", failing: "bad", waiting: "wait", degraded: "wait" };

function card(part, lines) {
  const word = part.state === "failing" && part.since ? `unreachable since ${since(part.since)}` : STATES[part.state];
  return make("li", { class: TONES[part.state], "data-key": part.name },
    make("h3", {}, part.kind && part.kind !== part.name ? `${part.name} (${part.kind})` : part.name),
    word ? make("p", { class: `mark ${TONES[part.state]}` }, word) : null,
    ...lines.filter(Boolean).map((line) => make("p", { class: "quiet" }, line)));
}

function sinkCard(sink) {
  const known = sink.registrations !== null && sink.foreign !== null;
  return card(sink, [
    known ? `${many(sink.registrations, "entry", "entries")}: ${number(sink.registrations - sink.foreign)} of syncer, ${number(sink.foreign)} foreign.` : "Its entries are unknown.",
    sink.leads === false ? "Another syncer has the lock and writes here." : "",
    sink.pulse && sink.pulse.age !== null ? `Renewed ${age(sink.pulse.age)}.` : "",
    sink.age !== null ? `Last check ${age(sink.age)}, took ${Math.round(sink.seconds * 1000)} ms.` : "",
  ]);
}

function sourceCard(source) {
  return card(source, [
    source.age === null ? "" : `${many(source.workloads, "workload")}, ${many(source.instances, "instance")}.`,
    source.state === "working" && source.why ? `${source.why}: nothing is removed until a complete listing.` : "",
    source.unclear ? `${many(source.unclear, "workload")} cannot be read now.` : "",
    source.age === null ? "" : `Last listing ${age(source.age)}.`,
    source.scopes.length ? `Host ${source.scopes.join(", ")}.` : "",
  ]);
}

export function showParts(status) {
  show("sinks", status.sinks.map(sinkCard));
  show("sources", status.sources.map(sourceCard));
}
