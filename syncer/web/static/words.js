// Numbers and times as text.

export function age(seconds) {
  if (seconds === null) return "never";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

export const number = (count) => count.toLocaleString("en");
export const many = (count, one, more) => `${number(count)} ${count === 1 ? one : more || `${one}s`}`;
export const clock = (text) => new Date(text).toLocaleTimeString("en-GB");
