// Explains one instance or workload: the result first, then how it came about.

import { $, make, put, show } from "./elements.js";
import { ask } from "./ask.js";
import { short } from "./words.js";

function facts(pairs) {
  return make("dl", {}, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

const folded = (title, pairs) => (pairs.length ? [make("details", {}, make("summary", {}, title), facts(pairs))] : []);

function offerOf(offer, story) {
  const one = offer.instance;
  const results = one ? Object.entries(story.sinks).map(([sink, lines]) => [`In ${sink}`, lines[one.id] || lines[""]]) : [["Result", `not registered: ${offer.why}`]];
  return [make("h3", {}, `${offer.service}, port ${offer.port}/${offer.protocol}`),
    facts([...results, ["Address", one ? `${one.address}, port ${one.port}` : "none"], ["Address rule", offer.rule],
      ["Offered by", offer.because], ...(one ? [["Id", one.id], ["Tags", one.tags.join(", ")], ["Checks", one.checks.join(", ")],
        ["Meta", Object.entries(one.meta).map(([key, value]) => `${key}=${value}`).join(", ")]] : [])]),
    ...folded("Why not another address", offer.rejected.map((rule) => [rule.rule, rule.why]))];
}

function storyOf(story, several) {
  const problems = story.problems.map((problem) => ["Problem", problem]);
  return [several ? make("h3", {}, story.name) : null,
    facts([["Not registered", story.left_out], ...problems]),
    ...story.offers.flatMap((offer) => offerOf(offer, story)),
    make("h3", {}, "Where it runs"),
    facts([["Source", story.source], ["Id", short(story.workload)], ["Image", story.image],
      ["State", story.health ? `${story.state}, ${story.health}` : story.state], ["Health check said", story.health_output], ["Labels read by", story.parser]]),
  ].filter(Boolean);
}

// `name` may be a service, a workload or the id of an entry; `title` is what people call it.
export async function tell(name, title) {
  const stories = await ask(`explain?${new URLSearchParams({ name })}`);
  put("story-title", title);
  show("story-text", stories.length ? stories.flatMap((story) => storyOf(story, stories.length > 1))
    : [make("p", {}, "No workload of this host offers it: the entry is foreign.")]);
  $("story").showModal();
  $("story-text").scrollTop = 0;
}

$("story-close").addEventListener("click", () => $("story").close());
