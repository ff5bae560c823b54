// The picture: from sources through services to registries. A line is as wide as its number of
// instances; it is broken if the registry or the source is away. The same as text is beside it.

import { $, draw, make, show } from "./elements.js";
import { counted, listed, many, number, since } from "./words.js";

const WIDTH = 1100, HIGH = 42, GAP = 10, BOX = 210, THICK = 32; // of the picture, boxes and lines
const COLUMNS = [0, (WIDTH - BOX) / 2, WIDTH - BOX];

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const nameOf = (one) => one.service || many(one.services, "more service");
const sum = (counts) => Object.values(counts).reduce((all, count) => all + count, 0);
const ill = (one) => Object.keys(one.statuses).some((word) => word !== "up");

function words(part, working) {
  if (part.state === "failing") return part.since ? `unreachable since ${since(part.since)}` : "unreachable";
  return { waiting: "not read yet", degraded: "events interrupted" }[part.state] || working;
}

const sourceWords = (source) => words(source, many(source.instances, "instance"));
const sinkWords = (sink) => words(sink, sink.in_sync ? "in sync" : `${number(sink.registered || 0)} of ${number(sink.wanted)}`);

function column(items, height) {
  const all = items.length * (HIGH + GAP) - GAP;
  return new Map(items.map(([name], at) => [name, { top: (height - all) / 2 + at * (HIGH + GAP) }]));
}

function box([name, title, text, tone], x, place) {
  return draw("g", { class: `box ${tone}` }, draw("title", {}, title),
    draw("rect", { x: x + 1, y: place.top + 1, width: BOX - 2, height: HIGH - 2, rx: 8 }),
    draw("text", { x: x + 14, y: place.top + 18 }, cut(title, 26)), draw("text", { x: x + 14, y: place.top + 34, class: "small" }, cut(text, 32)));
}

// `links`: from, to, count, class. They leave and enter a box beside each other.
function lines(links, from, to, x, scale) {
  const total = (side, name) => links.reduce((all, link) => all + (link[side] === name ? link[2] : 0), 0);
  const used = [new Map(), new Map()];
  return links.map((link) => {
    const thick = Math.max(1.5, link[2] * scale);
    const [y1, y2] = [from, to].map((places, side) => {
      const name = link[side], before = used[side].get(name) || 0;
      used[side].set(name, before + thick);
      return places.get(name).top + HIGH / 2 - Math.min(THICK, total(side, name) * scale) / 2 + before + thick / 2;
    });
    const [x1, x2] = [x[0] + BOX, x[1]], middle = (x1 + x2) / 2;
    return draw("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, "stroke-width": thick, class: link[3] });
  });
}

function showPicture(status) {
  const tone = (part) => ({ working: "", failing: "bad" })[part.state] ?? "wait";
  const items = [
    status.sources.map((one) => [one.name, one.name, sourceWords(one), tone(one)]),
    status.flow.map((one) => [one.service, nameOf(one), counted(one.statuses), ill(one) ? "wait" : ""]),
    status.sinks.map((one) => [one.name, one.name, sinkWords(one), tone(one) || (one.in_sync ? "" : "wait")]),
  ];
  const height = Math.max(...items.map((some) => some.length)) * (HIGH + GAP) - GAP;
  const places = items.map((some) => column(some, height));
  const state = (parts, name) => (parts.find((one) => one.name === name) || {}).state;
  const kind = (parts, name, one) => (state(parts, name) === "failing" ? "away" : ill(one) ? "wait" : "");
  const links = (parts, key) => status.flow.flatMap((one) => Object.entries(one[key]).filter(([name]) => state(parts, name)).map(
    ([name, count]) => (key === "sources" ? [name, one.service] : [one.service, name]).concat([count, kind(parts, name, one)])));
  const most = Math.max(1, ...status.sources.map((one) => one.instances), ...status.sinks.map((one) => one.wanted), ...status.flow.map((one) => sum(one.sinks)));
  const scale = THICK / most;
  $("flow").setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  show("flow", [...lines(links(status.sources, "sources"), places[0], places[1], COLUMNS, scale),
    ...lines(links(status.sinks, "sinks"), places[1], places[2], COLUMNS.slice(1), scale),
    ...items.flatMap((some, at) => some.map((one) => box(one, COLUMNS[at], places[at].get(one[0]))))]);
}

function text(status) {
  return status.flow.map((one) => make("li", {}, `${nameOf(one)}: ${counted(one.statuses)}, from ${listed(Object.keys(one.sources))}, `,
    `registered in ${listed(Object.keys(one.sinks).map((name) => {
      const sink = status.sinks.find((some) => some.name === name);
      return sink && sink.state === "failing" ? `${name} (unreachable)` : name;
    })) || "no registry"}.`));
}

export function showFlow(status) {
  $("flow-panel").hidden = !status.flow.length;
  if (!status.flow.length) return;
  showPicture(status);
  show("flow-text", text(status));
}
