// The status page: loads everything, hands it to its parts, and says what became unreachable.

import { $, put } from "./elements.js";
import { Refused, Silent, ask, token } from "./ask.js";
import { clock, lasting } from "./words.js";
import { listen } from "./live.js";
import { openChange } from "./change.js";
import { openGuard } from "./guard.js";
import { showFlow } from "./flow.js";
import { showHeadline } from "./headline.js";
import { showParts } from "./parts.js";
import { showProblems } from "./problems.js";
import { listenToFilters, showServices } from "./services.js";
import { tell } from "./story.js";
import { addLines, replaceLines, showDrift } from "./timeline.js";

const SKIPS = 500;
const view = { at: null, heard: 0, failing: null, away: false, changing: false };

const parts = (status) => [
  ...status.sources.map((part) => [`source ${part.name}`, part]), ...status.sinks.map((part) => [`registry ${part.name}`, part]),
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

async function refresh() {
  try {
    const status = await ask("status");
    view.at = new Date();
    view.changing = status.token.changing;
    put("about", `syncer ${status.version} · owner ${status.owner} · up ${lasting(status.uptime)}`);
    $("refresh").hidden = !view.changing;
    announce(status);
    showHeadline(status);
    showFlow(status);
    showParts(status);
    showProblems(status, (await ask(`skips?limit=${SKIPS}`)).items);
    showDrift(await ask("drift"));
    if (await showServices(status) < view.heard) soon(); // the answer does not include the latest lines
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
    $("summary").className = "panel bad";
    put("headline", `${how} ${view.at ? `Data from ${clock(view.at)}.` : ""}`);
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

const live = {
  all: replaceLines,
  lines: addLines,
  heard: (last) => { view.heard = last; soon(); },
  live: (connected) => {
    put("live", connected ? "connected" : "not connected, polling every 5 s");
    $("live").className = connected ? "badge good" : "badge";
  },
};

function pressed(event) {
  const { story, title, guard, change, name, label } = event.target.dataset;
  if (story) tell(story, title || story).catch(failed);
  if (guard) openGuard(guard, view.changing).catch(failed);
  if (change) openChange(change, name, label);
}

document.addEventListener("click", pressed);
$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set($("token").value);
  $("login").close();
  soon();
});
listenToFilters(failed);
setInterval(soon, 5000);
soon();
listen(live);
