// Numbers, times and lists as text.

export function age(seconds) {
  if (seconds === null) return "never";
  return `${lasting(seconds)} ago`;
}

export function lasting(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const hours = Math.round(seconds / 3600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const number = (count) => count.toLocaleString("en");
export const many = (count, one, more) => `${number(count)} ${count === 1 ? one : more || `${one}s`}`;
export const are = (count) => (count === 1 ? "is" : "are");
export const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const clock = (text) => new Date(text).toLocaleTimeString("en-GB");

// 12:52, with the date if that was not today.
export function since(text) {
  const at = new Date(text), time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return at.toDateString() === new Date().toDateString() ? time : `${time} on ${at.toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`;
}

// When what fails is tried again.
export function nextTry({ retry_in: seconds }) {
  if (seconds === null) return "";
  return seconds ? `next try in ${seconds} s` : "trying now";
}

// a; a and b; a, b and c
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

// 2 up, 1 draining
export const counted = (counts) => Object.entries(counts).map(([word, count]) => `${number(count)} ${word}`).join(", ");

// Long ids in short, as `docker ps` shows them.
export const short = (id) => (/^[0-9a-f]{32,}$/.test(id) ? id.slice(0, 12) : id);
