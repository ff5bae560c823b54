// The status page. Everything that comes from labels and registries is put in as text, never as
// markup: only `make` creates elements, and it knows no way to set any.
"use strict";

const PAGE = 50; // instances shown at a time
const SHOWN_EVENTS = 200;
const SHOWN_SKIPS = 50;
const $ = (id) => document.getElementById(id);
const view = { offset: 0, total: 0, token: sessionStorage.getItem("token") || "", at: null, answers: true };

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") element.className = value;
    else if (name === "data-label") element.dataset.label = value;
    else if (name === "onclick") element.addEventListener("click", value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== "" && child !== null).map(
    (child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return element;
}

function show(id, elements) { $(id).replaceChildren(...elements); }

function age(seconds) {
  if (seconds === null) return "never";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

const many = (count, one, more) => `${count.toLocaleString("en")} ${count === 1 ? one : more || `${one}s`}`;
const clock = (text) => new Date(text).toLocaleTimeString("en-GB");

// Asking

function headers(token) { return token ? { Authorization: `Bearer ${token}` } : {}; }

async function ask(path) {
  const answer = await fetch(`api/v1/${path}`, { headers: headers(view.token), cache: "no-store" });
  if (answer.status === 401) { login(); throw new Error("a token is needed"); }
  if (!answer.ok && answer.status !== 404) throw new Error(`${answer.status}`);
  return answer.json();
}

function login() {
  if (!$("login").open) $("login").showModal();
}

// What is shown

function summary(status) {
  const words = [];
  const failing = [...status.sources, ...status.sinks].filter((part) => part.state === "failing");
  if (failing.length) words.push(`${failing.map((part) => part.name).join(", ")} ${failing.length > 1 ? "do" : "does"} not answer.`);
  const count = status.instances;
  words.push(`${many(count.wanted, "instance")} wanted, ${(count.registered || 0).toLocaleString("en")} registered.`);
  for (const [state, word] of [["failed", "failed"], ["held", "held back"], ["pending", "pending"], ["unknown", "not known"]])
    if (count[state]) words.push(`${count[state].toLocaleString("en")} ${word}.`);
  if (!failing.length && status.late.length)
    words.push(`Late: ${status.late.map((one) => `${one.loop} (${one.why})`).join("; ")}.`);
  $("summary").className = failing.length || status.late.length ? "bad" : "";
  const text = words.join(" ");
  if ($("summary").textContent !== text) $("summary").textContent = text; // told once by a reader
}

function title(part) {
  return make("h3", {}, part.kind && part.kind !== part.name ? `${part.name} (${part.kind})` : part.name);
}

function sourceCard(source) {
  const words = [make("p", {}, `${many(source.workloads, "workload")}, ${many(source.instances, "instance")}.`)];
  if (source.state === "failing")
    words.unshift(make("p", { class: "why" }, `It does not answer: ${source.why} (${many(source.failures, "try", "tries")} in a row). What it said before stays, and nothing is removed.`));
  else if (source.why) words.push(make("p", {}, `${source.why}: nothing is removed until it has.`));
  if (source.unclear) words.push(make("p", {}, `${many(source.unclear, "workload")} cannot be described now.`));
  if (source.problems) words.push(make("p", {}, `${many(source.problems, "problem")} in labels.`));
  words.push(make("p", { class: "quiet" }, `Listed ${age(source.age)}. Scope ${source.scopes.join(", ") || "not known yet"}.`));
  return make("li", { class: source.state }, title(source), ...words);
}

function sinkCard(sink) {
  const words = [];
  if (sink.state === "failing")
    words.push(make("p", { class: "why" }, `The registry does not answer: ${sink.why} (${many(sink.failures, "try", "tries")} in a row). ${sink.age === null ? "It has not been read yet." : `What is shown is from ${age(sink.age)}.`}`));
  if (sink.state === "waiting") words.push(make("p", {}, "It has not been looked at yet."));
  words.push(make("p", {}, `${many(sink.registrations, "registration")}: ${many(sink.unchanged, "is", "are")} as wanted, ${sink.foreign.toLocaleString("en")} of others.`));
  if (sink.failed) words.push(make("p", { class: "why" }, `${many(sink.failed, "change")} failed.`));
  if (sink.skips.guard) words.push(make("p", { class: "why" }, `The guard holds ${many(sink.skips.guard, "removal or move", "removals and moves")}: too many at once.`));
  if (sink.skips.conflict) words.push(make("p", {}, `${many(sink.skips.conflict, "id")} ${sink.skips.conflict === 1 ? "belongs" : "belong"} to somebody else.`));
  if (sink.leads === false) words.push(make("p", {}, "Another syncer has the lock and writes here."));
  if (sink.pulse)
    words.push(make("p", { class: sink.pulse.why ? "why" : "" }, sink.pulse.why ? `Renewals fail: ${sink.pulse.why}` : `Renewed ${age(sink.pulse.age)}.`));
  if (sink.age !== null)
    words.push(make("p", { class: "quiet" }, `Looked at ${age(sink.age)}, in ${Math.round(sink.seconds * 1000)} ms.`));
  return make("li", { class: sink.state }, title(sink), ...words);
}

function choices(id, names) {
  const select = $(id);
  if (select.options.length === names.length + 1) return;
  const chosen = select.value;
  show(id, [make("option", { value: "" }, "all"), ...names.map((name) => make("option", { value: name }, name))]);
  select.value = chosen;
}

function skipLine(skip) {
  return make("li", {}, make("strong", {}, skip.kind), ` ${skip.id} in ${skip.sink}: ${skip.reason}`);
}

function row(one) {
  const story = make("button", { type: "button", onclick: () => tell(one.id, one.service) }, one.service);
  const cells = [
    [make("span", {}, story), "Service"], [one.endpoint, "Address"],
    [[one.source, one.name || one.workload.slice(0, 12)].filter(Boolean).join(": ") || one.owner, "From"],
    [make("span", { class: "tags" }, [...one.tags, ...(one.status === "up" ? [] : [one.status])].join(", ")), "Tags"],
    [make("span", {}, ...Object.entries(one.sinks).map(([sink, standing]) => make("span", { class: `state ${standing.state}` },
      `${sink}: ${standing.state}${standing.why ? ` (${standing.why})` : ""}`))), "In"],
  ];
  return make("tr", {}, ...cells.map(([child, label]) => make("td", { "data-label": label }, child)));
}

function line(one) {
  const fields = Object.entries(one.fields).map(([name, value]) => `${name} ${value}`).join(", ");
  return make("li", {}, make("time", { dateTime: one.time }, clock(one.time)),
    make("span", { class: one.level }, one.level === "warning" ? "warning: " : "", one.message), fields ? `: ${fields}` : "");
}

function addLine(one) {
  $("events").prepend(line(one));
  while ($("events").children.length > SHOWN_EVENTS) $("events").lastChild.remove();
}

async function instances() {
  const asked = new URLSearchParams({ offset: view.offset, limit: PAGE, q: $("q").value });
  for (const name of ["sink", "source", "state", "whose"]) if ($(name).value) asked.set(name, $(name).value);
  const found = await ask(`instances?${asked}`);
  if (found.total && view.offset >= found.total) { view.offset = 0; return instances(); }
  view.total = found.total;
  show("rows", found.items.map(row));
  $("count").textContent = many(found.total, "instance");
  $("place").textContent = found.total ? `${(view.offset + 1).toLocaleString("en")} to ${(view.offset + found.items.length).toLocaleString("en")} of ${found.total.toLocaleString("en")}` : "none";
  $("earlier").disabled = view.offset === 0;
  $("later").disabled = view.offset + PAGE >= found.total;
}

async function refresh() {
  try {
    const status = await ask("status");
    view.at = new Date();
    $("about").textContent = `${status.version}, owner ${status.owner}, up ${age(status.uptime).replace(" ago", "")}`;
    summary(status);
    show("sources", status.sources.map(sourceCard));
    show("sinks", status.sinks.map(sinkCard));
    choices("source", status.sources.map((one) => one.name));
    choices("sink", status.sinks.map((one) => one.name));
    $("changes").hidden = status.token.changing === null;
    const skips = await ask(`skips?limit=${SHOWN_SKIPS}`);
    show("skips", skips.items.map(skipLine));
    $("skips-none").hidden = skips.total > 0;
    $("skips-more").textContent = skips.total > SHOWN_SKIPS ? `and ${skips.total - SHOWN_SKIPS} more` : "";
    const drift = await ask("drift");
    show("drift", drift.slice(0, 20).map((one) => make("li", {}, make("time", { dateTime: one.time }, clock(one.time)),
      `${one.sink}: ${one.action} ${one.service} ${one.id}${one.changed ? `, ${one.changed}` : ""}`)));
    $("drift-none").hidden = drift.length > 0;
    await instances();
    document.body.dataset.loaded = status.number;
  } catch (error) {
    if (error instanceof TypeError) gone();
  }
}

function gone() {
  $("summary").className = "bad";
  $("summary").textContent = `syncer does not answer. ${view.at ? `What is shown is from ${clock(view.at)}.` : ""}`;
  live("not live", "bad");
}

function live(words, look) { $("live").textContent = words; $("live").className = `badge ${look}`; }

// One question at a time, and after a change not more than one a second.
let asking = null, again = false;
function soon() {
  if (asking) { again = true; return; }
  asking = setTimeout(async () => {
    await refresh();
    asking = setTimeout(() => { asking = null; if (again) { again = false; soon(); } }, 700);
  }, 100);
}

// Live lines

async function listen() {
  let last = "0";
  for (;;) {
    try {
      const known = await ask("events");
      show("events", known.slice().reverse().map(line));
      last = String((await ask("status")).number);
      soon();
      const answer = await fetch("api/v1/events/stream", { headers: { ...headers(view.token), "Last-Event-ID": last } });
      if (!answer.ok) throw new Error(String(answer.status));
      live("live", "good");
      await read(answer.body.getReader());
    } catch (error) {
      live("not live, asking every 5 s", "");
    }
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function read(reader) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) heard(part);
  }
}

function heard(part) {
  const found = Object.fromEntries(part.split("\n").filter((one) => !one.startsWith(":")).map((one) => {
    const at = one.indexOf(": ");
    return [one.slice(0, at), one.slice(at + 2)];
  }));
  if (!found.event) return;
  if (found.event === "line") addLine(JSON.parse(found.data));
  soon();
}

// One instance's story

function facts(pairs) {
  return make("dl", {}, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function storyOf(story) {
  const found = [make("h3", {}, story.name), facts([
    ["Source", story.source], ["Id", story.workload], ["Image", story.image],
    ["State", story.health ? `${story.state}, ${story.health}` : story.state],
    ["Labels read by", story.parser], ["Offers nothing", story.left_out],
    ...story.problems.map((problem) => ["Problem", problem]),
  ])];
  for (const offer of story.offers) {
    const one = offer.instance;
    found.push(make("h3", {}, `Port ${offer.port}/${offer.protocol} is ${offer.service}`), facts([
      ["Offered by", offer.because], ["Address", one ? `${one.address} port ${one.port}` : "none"], ["By rule", offer.rule],
      ...offer.rejected.map((rule) => [`Not by ${rule.rule}`, rule.why]),
      ...(one ? [["Id", one.id], ["Tags", one.tags.join(", ")], ["Checks", one.checks.join(", ")],
        ["Meta", Object.entries(one.meta).map(([key, value]) => `${key}=${value}`).join(", ")],
        ...Object.entries(story.sinks).map(([sink, lines]) => [`In ${sink}`, lines[one.id]])] : []),
    ]));
  }
  return found;
}

async function tell(name, service) {
  const stories = await ask(`explain?name=${encodeURIComponent(name)}`);
  $("story-title").textContent = service;
  show("story-text", stories.length ? stories.flatMap(storyOf) : [make("p", {}, "Nothing that runs here offers it: somebody else registered it.")]);
  $("story").showModal();
}

// What a person does

let typing = null;
function filtered() { view.offset = 0; clearTimeout(typing); typing = setTimeout(() => instances().catch(() => {}), 150); }
function turn(by) { view.offset = Math.max(0, view.offset + by * PAGE); instances().catch(() => {}); }

async function change(event) {
  event.preventDefault();
  const what = event.submitter ? event.submitter.value : "drain";
  const answer = await fetch(`api/v1/${what}`, {
    method: "POST", headers: { ...headers($("change-token").value), "Content-Type": "application/json" },
    body: JSON.stringify({ name: $("change-name").value }),
  });
  const said = await answer.json();
  const applied = said.sinks ? Object.entries(said.sinks).map(([sink, one]) =>
    `${sink}: ${many(one.applied, "change")} of ${one.of}${Object.values(one.skipped).map((why) => `; ${why}`).join("")}`).join(". ") : "";
  $("change-said").textContent = said.error || said.done || applied;
}

addEventListener("DOMContentLoaded", () => {
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["q", "sink", "source", "state", "whose"]) $(id).addEventListener("input", filtered);
  $("earlier").addEventListener("click", () => turn(-1));
  $("later").addEventListener("click", () => turn(1));
  $("story-close").addEventListener("click", () => $("story").close());
  $("change").addEventListener("submit", change);
  $("login-form").addEventListener("submit", (event) => {
    event.preventDefault();
    view.token = $("token").value;
    sessionStorage.setItem("token", view.token);
    $("login").close();
    soon();
  });
  setInterval(soon, 5000);
  listen();
});
