// Drains, ends drains and reads everything again, with the token: it is asked for once a page.

import { $, put } from "./elements.js";
import { post, token } from "./ask.js";
import { listed, many } from "./words.js";

const WORDS = {
  drain: ["Drain", "Its clients stop using it; it runs on. Undrain ends this."],
  undrain: ["Undrain", "Its clients use it again."],
  refresh: ["Refresh", "Read every source and every registry again, now."],
};
let known = ""; // the token, for as long as the page is open
let asked = null; // what the dialog asks for

const given = () => known || token.get();

export function openChange(what, name, label) {
  asked = { what, name, force: false };
  const [verb, about] = WORDS[what];
  put("change-title", name ? `${verb} ${label}?` : `${verb}?`);
  put("change-about", about);
  put("change-go", verb);
  put("change-said", "");
  $("change-ask").hidden = Boolean(given());
  if (what === "refresh" && given()) return carryOut();
  return $("change").showModal();
}

function outcome(said) {
  const found = Object.entries(said.sinks || {}), whys = found.flatMap(([, one]) => [...Object.values(one.skipped), ...Object.values(one.failed)]);
  const done = found.filter(([, one]) => one.applied).map(([sink, one]) => `${many(one.applied, "change")} in ${sink}`);
  const errors = Object.entries(said.errors || {}).map(([part, text]) => `${part}: ${text}`);
  return { done: done.length ? `Done: ${listed(done)}.` : "", whys: [...new Set(whys), ...errors] };
}

async function carryOut() {
  const { what, name, force } = asked, used = given() || $("change-token").value;
  const { status, said } = await post(what, used, what === "refresh" ? {} : what === "drain" ? { name, force } : { name });
  const { done, whys } = outcome(said);
  if (status === 200) known = used;
  if (status === 401) known = "";
  $("change-ask").hidden = Boolean(given());
  const last = what === "drain" && !force && whys.some((why) => why.startsWith("last"));
  if (status === 200 && !whys.length) {
    $("change").close();
    return put("news", said.done ? `${said.done}.` : done || "Nothing was to be changed.");
  }
  if (!$("change").open) $("change").showModal();
  if (last) { asked.force = true; put("change-go", "Drain anyway"); }
  return put("change-said", said.error || [done, ...whys.slice(0, 5).map((why) => `${why}.`), whys.length > 5 ? `And ${whys.length - 5} more.` : ""].filter(Boolean).join(" "));
}

$("change-form").addEventListener("submit", (event) => { event.preventDefault(); carryOut(); });
$("change-close").addEventListener("click", () => $("change").close());
$("change").addEventListener("close", () => { $("change-token").value = ""; });
