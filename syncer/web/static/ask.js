// Asking the API, with the token if one was given.

const PATIENCE = 20000; // milliseconds for an answer

export class Silent extends Error {} // nobody answers
export class Refused extends Error { // somebody does, but not as asked for
  constructor(status) { super(`it answers ${status}`); this.status = status; }
}

export const token = {
  get: () => sessionStorage.getItem("token") || "",
  set: (text) => sessionStorage.setItem("token", text),
};

export const headers = (given) => (given ? { Authorization: `Bearer ${given}` } : {});

export async function ask(path) {
  let answer, said;
  try {
    answer = await fetch(`api/v1/${path}`, {
      headers: headers(token.get()), cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
    });
    said = await answer.text();
  } catch (error) {
    throw new Silent(error.message);
  }
  if (!answer.ok && answer.status !== 404) throw new Refused(answer.status);
  return JSON.parse(said);
}

// What changes something: what became of it, and what was said.
export async function post(path, given, body) {
  try {
    const answer = await fetch(`api/v1/${path}`, {
      method: "POST", headers: { ...headers(given), "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return { status: answer.status, said: await answer.json() };
  } catch (error) {
    return { status: 0, said: { error: "syncer does not answer" } };
  }
}
