// The services and their instances: searched, filtered, in pages, those that need attention first.

import { $, make, put, show } from "./elements.js";
import { ask } from "./ask.js";
import { many, number, short, upper } from "./words.js";
import { leftOut } from "./problems.js";

const PAGE = 50; // services at a time
const ALL = 500; // instances of a service that was opened
const MISSING = 5; // workloads that are not registered, below what a search finds
const FIELDS = ["sink", "source", "state", "whose"];
const view = { offset: 0, shown: 0, asked: 0, status: "", open: new Map(), all: new Set(), overview: null };

// Rows

const button = (word, about, data) => make("button", { type: "button", "aria-label": `${word} ${about}`, ...data }, word);
const hold = (word, about, name, drained) => button(word, about, { "data-change": drained ? "undrain" : "drain", "data-name": name, "data-label": about });
const cell = (label, ...children) => make("td", { "data-label": label }, ...children);

const away = (sink) => view.overview.sinks.some((one) => one.name === sink && one.state === "failing");
const inSink = (sink, word, tone) => make("span", { class: `sink ${tone}` }, word ? `${sink}: ${word}` : sink);

// A short word; why is told once, by the problems and by the explanation.
function standing([sink, { state, why }]) {
  if (away(sink)) return inSink(sink, "unreachable", "bad");
  if (state === "registered") return inSink(sink, "", "");
  return inSink(sink, state === "held" ? why.split(":")[0] : state, state === "failed" ? "bad" : "wait");
}

function standingOf(service, sink, count) {
  if (away(sink)) return inSink(sink, "unreachable", "bad");
  const registered = service.registered[sink] || 0;
  return registered === count ? inSink(sink, "", "") : inSink(sink, `${number(registered)} of ${number(count)}`, "wait");
}

function row(one, single) {
  const about = `${one.service} ${one.endpoint}`, changing = view.overview.token.changing && one.wanted;
  const from = one.name || short(one.workload) || one.owner;
  return make("tr", { "data-key": `${one.service} ${one.id}`, class: single ? "" : "member" },
    make("td", { "data-label": "Service", class: "name" }, single ? one.service : ""),
    cell("Address", make("span", { class: "address" }, one.endpoint)),
    cell("Status", make("span", { class: `mark ${one.status}` }, one.status), one.status_why ? make("span", { class: "quiet" }, ` ${one.status_why}`) : ""),
    cell("From", one.source && view.overview.sources.length > 1 ? `${one.source}: ${from}` : from),
    cell("Tags", ...one.tags.map((tag) => make("span", { class: "tag" }, tag))),
    cell("Registries", ...Object.entries(one.sinks).map(standing)),
    make("td", { class: "buttons" }, button("Explain", about, { "data-story": one.id, "data-title": about }),
      changing ? hold(one.drained ? "Undrain" : "Drain", about, one.id, one.drained) : ""));
}

// A service whose instances are all up is one row, until it is opened or something is searched for.
function isOpen(service) {
  return view.open.get(service.service) ?? (filtering() || Object.keys(service.statuses).some((word) => word !== "up"));
}

function group(service) {
  if (service.total === 1) return [row(service.instances[0], true)];
  const { service: name, instances, total } = service, drained = instances.every((one) => one.drained), open = isOpen(service);
  const changing = view.overview.token.changing && instances.some((one) => one.wanted), rest = total - instances.length;
  const toggle = make("button", { type: "button", "aria-expanded": String(open), "data-open": name, "data-opened": String(!open), class: "toggle" }, name);
  const head = make("tr", { "data-key": `service ${name}`, class: "group" },
    make("td", { "data-label": "Service", class: "name" }, toggle), cell("Address", many(total, "instance")),
    cell("Status", ...Object.entries(service.statuses).map(([word, count]) => make("span", { class: `mark ${word}` }, `${number(count)} ${word}`))),
    cell("From"), cell("Tags"), cell("Registries", ...Object.entries(service.sinks).map(([sink, count]) => standingOf(service, sink, count))),
    make("td", { class: "buttons" }, changing ? hold(drained ? "Undrain all" : "Drain all", `instances of ${name}`, name, drained) : ""));
  const more = make("tr", { "data-key": `more ${name}`, class: "member" }, make("td", {}), make("td", { colSpan: 6 },
    view.all.has(name) ? `and ${number(rest)} more: search for them` : make("button", { type: "button", "data-all": name }, `Show all ${number(total)} of ${name}`)));
  return open ? [head, ...instances.map((one) => row(one, false)), ...(rest ? [more] : [])] : [head];
}

// Focus in a row that goes away moves to the next row.
function showRows(rows) {
  const all = () => [...$("rows").children];
  const at = all().findIndex((one) => one.contains(document.activeElement));
  show("rows", rows);
  if (at < 0 || all().some((one) => one.contains(document.activeElement))) return;
  const next = all()[Math.min(at, all().length - 1)];
  ((next && next.querySelector("button")) || $("q")).focus({ preventScroll: true });
}

// Around them

function choices(id, names) {
  show(id, [make("option", { value: "" }, "all"), ...names.map((name) => make("option", { value: name, "data-key": name }, name))]);
  $(id).parentElement.hidden = names.length < 2;
}

function chips({ statuses, instances }) {
  const words = Object.keys(statuses), shown = view.status && !words.includes(view.status) ? [view.status, ...words] : words;
  const chip = (word, text, count) => make("button", { type: "button", "data-key": `chip ${word}`, "data-chip": word, "aria-pressed": String(view.status === word), class: word ? `mark ${word}` : "" },
    `${text} `, make("span", { class: "count" }, number(count)));
  show("statuses", [chip("", "All", instances.wanted), ...shown.map((word) => chip(word, upper(word), statuses[word] || 0))]);
  $("statuses").hidden = shown.length < 2;
}

const filtering = () => Boolean($("q").value || view.status || ["sink", "source", "state"].some((id) => $(id).value));

function nothing() {
  if (filtering()) return [make("p", {}, "No service matches.")];
  if ($("whose").value !== "ours") return [make("p", {}, "There are no foreign entries.")];
  if (!view.overview.sources.some((source) => source.age !== null)) return [make("p", {}, "The sources have not been read yet.")];
  const away = view.overview.sources.filter((source) => source.state === "failing");
  if (away.length) return [make("p", {}, `What runs is not known while ${away.map((source) => source.name).join(", ")} cannot be read.`)];
  const docker = view.overview.sources.some((source) => ["docker", "swarm"].includes(source.kind));
  return [make("p", { class: "big" }, `No ${docker ? "container" : "workload"} offers a service yet.`), ...(docker ? [
    make("p", {}, "Publish a port and name the service in a label. It appears here by itself:"),
    make("pre", { tabIndex: 0 }, "docker run -d -p 8000:80 --label SERVICE_NAME=web nginx")] : [])];
}

function showCounts(found, missing) {
  put("count", found.total ? `${many(found.total, "service")}, ${many(found.instances, "instance")}${filtering() ? " match" : ""}` : "");
  $("pages").hidden = found.offset === 0 && !found.more;
  put("place", `${number(found.offset + 1)} to ${number(found.offset + found.items.length)} of ${number(found.total)}`);
  $("previous").disabled = found.offset === 0;
  $("next").disabled = !found.more;
  $("table").hidden = !found.total;
  $("closed").hidden = !found.total || view.overview.token.changing;
  $("empty").hidden = Boolean(found.total) && !missing.length;
  show("empty", [...(found.total ? [] : nothing()),
    ...(missing.length ? [make("h3", {}, "Not registered"), make("ul", { class: "problems" }, ...missing.map(leftOut))] : [])]);
}

// Whether the answer includes the log up to this line.
export async function showServices(overview = view.overview) {
  const question = ++view.asked;
  if (!overview) return true;
  view.overview = overview;
  choices("source", overview.sources.map((one) => one.name));
  choices("sink", overview.sinks.map((one) => one.name));
  chips(overview);
  const fields = { q: $("q").value, status: view.status };
  for (const name of FIELDS) fields[name] = $(name).value;
  const query = (more) => ask(`services?${new URLSearchParams(Object.entries({ ...fields, ...more }).filter(([, value]) => value !== ""))}`);
  const found = await query({ offset: view.offset, limit: PAGE });
  for (const one of found.items.filter((some) => view.all.has(some.service) && some.total > some.instances.length))
    Object.assign(one, (await query({ service: one.service, each: ALL })).items[0]);
  const missing = fields.q.trim() ? (await ask(`not-registered?${new URLSearchParams({ q: fields.q, limit: MISSING })}`)).items : [];
  if (question !== view.asked) return true; // a newer request is under way
  if (found.total && view.offset >= found.total) { view.offset = 0; return showServices(); }
  view.shown = found.items.length;
  showRows(found.items.flatMap(group));
  showCounts(found, missing);
  return found.number;
}

// Input; `failed` is told what goes wrong.

export function listenToFilters(failed) {
  let typing = null;
  const again = () => showServices().catch(failed);
  const filtered = () => { view.offset = 0; clearTimeout(typing); typing = setTimeout(again, 150); };
  const turn = (by) => { view.offset = Math.max(0, view.offset + (by > 0 ? view.shown : -PAGE)); again().then(() => $("services-title").focus()); };
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["q", ...FIELDS]) $(id).addEventListener("input", filtered);
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  document.addEventListener("click", ({ target }) => {
    const { chip, open, opened, all, status, state } = (target.closest("button") || target).dataset;
    if (open) view.open.set(open, opened === "true");
    if (all) view.all.add(all);
    if (chip !== undefined || status) view.status = chip ?? status;
    if (state) $("state").value = state;
    if (status || state) $("services-title").focus();
    if (chip !== undefined || status || state) view.offset = 0;
    if ([chip, open, all, status, state].some((one) => one !== undefined)) again();
  });
}
