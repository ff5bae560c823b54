// What happened, newest first: changes as they come, and repaired drift.

import { $, make, put, show } from "./elements.js";
import { clock, listed, many } from "./words.js";

const SHOWN = 200, DRIFT = 20;
const waiting = []; // new lines wait while the reader is scrolled down

const at = (time, ...text) => make("li", {}, make("time", { dateTime: time }, clock(time)), make("span", {}, ...text));

function line(one) {
  const shown = at(one.time, one.text);
  if (one.level === "warning") shown.className = "wait";
  return shown;
}

function showLines() {
  const list = $("events");
  if (list.scrollTop > 0 && waiting.length) {
    put("events-more", `${waiting.length === SHOWN ? "Many newer changes" : many(waiting.length, "newer change")}: go to the top to see them.`);
    return;
  }
  put("events-more", "");
  list.prepend(...waiting.splice(0).reverse().map(line));
  while (list.children.length > SHOWN) list.lastChild.remove();
}

export function addLines(lines) {
  waiting.push(...lines);
  waiting.splice(0, waiting.length - SHOWN);
  showLines();
}

export function replaceLines(lines) {
  waiting.length = 0;
  $("events").replaceChildren(...lines.slice().reverse().map(line));
  put("events-more", "");
}

function repaired({ time, service, address, sink, action, changed }) {
  const what = `${service} ${address}`;
  if (action === "register") return at(time, `${what} was removed from ${sink} by someone else; registered again.`);
  if (action === "deregister") return at(time, `${what} was in ${sink}, though nothing offers it; removed.`);
  return at(time, `${what} was edited in ${sink} (${listed(changed || [])}); restored.`);
}

export function showDrift(drift) {
  show("drift", drift.slice(0, DRIFT).map(repaired));
  $("drift-none").hidden = drift.length > 0;
}

$("events").addEventListener("scroll", showLines);
