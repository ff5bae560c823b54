// Explains one instance, from label to registration.

import { $, make, put, show } from "./elements.js";
import { ask } from "./ask.js";

function facts(pairs) {
  return make("dl", {}, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function offerOf(offer, story) {
  const one = offer.instance;
  return [make("h3", {}, `Port ${offer.port}/${offer.protocol} is ${offer.service}`), facts([
    ["Offered by", offer.because], ["Address", one ? `${one.address} port ${one.port}` : "none"], ["Address rule", offer.rule],
    ...offer.rejected.map((rule) => [`Not ${rule.rule}`, rule.why]),
    ...(one ? [["Id", one.id], ["Tags", one.tags.join(", ")], ["Checks", one.checks.join(", ")],
      ["Meta", Object.entries(one.meta).map(([key, value]) => `${key}=${value}`).join(", ")],
      ...Object.entries(story.sinks).map(([sink, lines]) => [`In ${sink}`, lines[one.id]])] : []),
  ])];
}

function storyOf(story) {
  return [make("h3", {}, story.name), facts([
    ["Source", story.source], ["Id", story.workload], ["Image", story.image],
    ["State", story.health ? `${story.state}, ${story.health}` : story.state],
    ["Health check said", story.health_output],
    ["Labels read by", story.parser], ["Not offered", story.left_out],
    ...story.problems.map((problem) => ["Problem", problem]),
  ]), ...story.offers.flatMap((offer) => offerOf(offer, story))];
}

export async function tell(name, service) {
  const stories = await ask(`explain?${new URLSearchParams({ name })}`);
  put("story-title", service);
  show("story-text", stories.length ? stories.flatMap(storyOf) : [make("p", {}, "No workload here offers it: the entry is foreign.")]);
  $("story").showModal();
  $("story-text").scrollTop = 0;
}

$("story-close").addEventListener("click", () => $("story").close());
