// Shows what the guard holds, and overrides it: for exactly the changes shown, by their digest.

import { $, make, put, show } from "./elements.js";
import { ask, post } from "./ask.js";
import { many, number } from "./words.js";

let shown = null; // the changes shown, as the API returned them

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
  put("guard-title", `Held by the guard at ${sink}`);
  put("guard-about", shown
    ? `${counts(shown)}: too many at once to be made without confirmation. If they are right, override the guard: exactly these changes are made (plan ${shown.digest}), and no others.`
    : "The guard holds nothing now.");
  show("guard-list", shown ? shown.changes.map(line) : []);
  const more = shown ? shown.removals + shown.moves - shown.changes.length : 0;
  put("guard-more", more ? `and ${number(more)} more` : "");
  put("guard-go", shown ? `Make ${counts(shown)}` : "");
  $("guard-form").hidden = !shown || !$("guard-closed").hidden;
}

// `changing`: whether changes are possible.
export async function openGuard(sink, changing) {
  $("guard-closed").hidden = changing;
  put("guard-said", "");
  await look(sink);
  $("guard").showModal();
}

async function override(event) {
  event.preventDefault();
  const { sink, digest } = shown;
  const { status, said } = await post("override", $("guard-token").value, { sink, digest });
  put("guard-said", status === 409 ? "The guard now holds other changes: nothing was done. These are the current ones." : said.error || said.done);
  if (status === 200) $("guard-form").hidden = true;
  if (status === 409) await look(sink);
}

$("guard-form").addEventListener("submit", override);
$("guard-close").addEventListener("click", () => $("guard").close());
$("guard").addEventListener("close", () => { $("guard-token").value = ""; });
