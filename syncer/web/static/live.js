// Live log lines: a stream, opened again whenever it ends.

import { ask, headers, token } from "./ask.js";

const AGAIN = 2000, FULL = 10000; // milliseconds until the next try; if too many pages are live
const SILENCE = 30000; // milliseconds without a sign of life; syncer sends one every second

// `on.all(lines)`: replace all lines; `on.lines(lines)`: add these; `on.heard(number)`: the number of
// the last line; `on.live(connected)`.
export async function listen(on) {
  for (;;) {
    let pause = AGAIN;
    try {
      const last = await begin(on);
      on.heard(last);
      const stop = new AbortController();
      const answer = await fetch("api/v1/events/stream", {
        headers: { ...headers(token.get()), "Last-Event-ID": String(last) }, signal: stop.signal,
      });
      if (answer.status === 503) pause = FULL;
      if (!answer.ok) throw new Error(String(answer.status));
      on.live(true);
      await read(answer.body.getReader(), stop, on);
    } catch (error) {
      on.live(false);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function begin(on) {
  const known = await ask("events");
  on.all(known);
  return known.length ? known[known.length - 1].number : 0;
}

async function read(reader, stop, on) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const silence = setTimeout(() => stop.abort(), SILENCE);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const parts = text.split("\n\n");
    text = parts.pop();
    const events = parts.map(fields).filter((one) => one.event);
    if (events.some((one) => one.event === "gap")) await begin(on);
    else on.lines(events.filter((one) => one.event === "line").map((one) => JSON.parse(one.data)));
    if (events.length) on.heard(Number(events[events.length - 1].id));
  }
}

function fields(part) {
  return Object.fromEntries(part.split("\n").filter((one) => !one.startsWith(":")).map((one) => {
    const at = one.indexOf(": ");
    return [one.slice(0, at), one.slice(at + 2)];
  }));
}
