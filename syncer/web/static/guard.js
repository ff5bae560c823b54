// What the guard holds, and letting go of it: of exactly what is shown, by its digest.

import { $, make, put, show } from "./elements.js";
import { ask, post } from "./ask.js";
import { many, number } from "./words.js";

let shown = null; // what a person sees, as the API told it

function counts(held) {
  const parts = [[held.removals, "removal"], [held.moves, "move"]];
  return parts.filter(([count]) => count).map(([count, word]) => many(count, word)).join(" and ");
}

function line(change) {
  const removed = change.action === "deregister";
  const where = removed ? `at ${change.from}: ${change.reason}` : `from ${change.from} to ${change.address}`;
  return make("li", { "data-key": change.id }, make("strong", {}, removed ? "remove" : "move"), ` ${change.service} ${where} (${change.id})`);
}

async function look(sink) {
  shown = (await ask("guard")).find((one) => one.sink === sink) || null;
  put("guard-title", `What the guard holds at ${sink}`);
  put("guard-about", shown
    ? `${counts(shown)}, too many at once to be done unasked. If they are right, let go of them: exactly this is done then (plan ${shown.digest}), and nothing else.`
    : "It holds nothing now.");
  show("guard-list", shown ? shown.changes.map(line) : []);
  const more = shown ? shown.removals + shown.moves - shown.changes.length : 0;
  put("guard-more", more ? `and ${number(more)} more` : "");
  put("guard-go", shown ? `Let go of ${counts(shown)}` : "");
  $("guard-form").hidden = !shown || !$("guard-closed").hidden;
}

// `changing`: whether anything can be changed here.
export async function openGuard(sink, changing) {
  $("guard-closed").hidden = changing;
  put("guard-said", "");
  await look(sink);
  $("guard").showModal();
}

async function letGo(event) {
  event.preventDefault();
  const { sink, digest } = shown;
  const { status, said } = await post("let-go", $("guard-token").value, { sink, digest });
  put("guard-said", status === 409 ? "The guard holds something else by now: nothing was done. This is what it holds." : said.error || said.done);
  if (status === 200) $("guard-form").hidden = true;
  if (status === 409) await look(sink);
}

$("guard-form").addEventListener("submit", letGo);
$("guard-close").addEventListener("click", () => $("guard").close());
$("guard").addEventListener("close", () => { $("guard-token").value = ""; });
