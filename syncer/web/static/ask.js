// Requests to the API, with the token if there is one.

const TIMEOUT = 20000; // milliseconds

export class Silent extends Error {} // no answer
export class Refused extends Error { // an answer other than 200 and 404
  constructor(status) { super(`status ${status}`); this.status = status; }
}

export const token = {
  get: () => sessionStorage.getItem("token") || "",
  set: (text) => sessionStorage.setItem("token", text),
};

export const headers = (given) => (given ? { Authorization: `Bearer ${given}` } : {});

export async function ask(path, tries = 3) {
  let answer, said;
  try {
    answer = await fetch(`api/v1/${path}`, {
      headers: headers(token.get()), cache: "no-store", signal: AbortSignal.timeout(TIMEOUT),
    });
    said = await answer.text();
  } catch (error) {
    throw new Silent(error.message);
  }
  if (answer.status === 503 && tries > 1) { // others ask for too much: it says when to come again
    await new Promise((done) => setTimeout(done, 1000 * (Number(answer.headers.get("Retry-After")) || 1)));
    return ask(path, tries - 1);
  }
  if (!answer.ok && answer.status !== 404) throw new Refused(answer.status);
  return JSON.parse(said);
}

// Send a change; returns the status and the answer.
export async function post(path, given, body) {
  try {
    const answer = await fetch(`api/v1/${path}`, {
      method: "POST", headers: { ...headers(given), "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return { status: answer.status, said: await answer.json() };
  } catch (error) {
    return { status: 0, said: { error: "syncer is unreachable" } };
  }
}
