// Makes elements, and updates the page to show others.
//
// Everything from labels and registries is inserted as text, never as markup: only `make` creates
// elements, and it has no way to insert any.

export const $ = (id) => document.getElementById(id);

// Control, direction and invisible characters are shown by their code.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
const plain = (text) => String(text).replace(UNSEEN, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);

export function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") element.className = value;
    else if (/^(data|aria)-/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...nodes(children));
  return element;
}

// The same for the picture.
export function draw(tag, attributes, ...children) {
  const element = document.createElementNS($("flow").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...nodes(children));
  return element;
}

const nodes = (children) => children.filter((child) => child !== "" && child !== null).map(
  (child) => (child instanceof Node ? child : document.createTextNode(plain(child))));

export function put(id, text) {
  const shown = plain(text);
  if ($(id).textContent !== shown) $(id).textContent = shown;
}

// Changes only what differs, so that focus, selection and scroll position stay.
// In a list whose members come and go, each has a `data-key`.
export function show(id, elements) { renewAll($(id), elements); }

const keyOf = (node) => (node.dataset && node.dataset.key) || "";

function renewAll(parent, fresh) {
  const wanted = new Set(fresh.map(keyOf)), known = new Map();
  for (const old of [...parent.childNodes]) {
    const key = keyOf(old);
    if (!key) continue;
    if (wanted.has(key) && !known.has(key)) known.set(key, old);
    else old.remove();
  }
  let place = parent.firstChild;
  for (const node of fresh) {
    const old = match(node, place, known);
    if (!old) { parent.insertBefore(node, place); continue; }
    if (old !== place) parent.insertBefore(old, place);
    place = old.nextSibling;
    renew(old, node);
  }
  while (place) { const next = place.nextSibling; place.remove(); place = next; }
}

function match(node, place, known) {
  const key = keyOf(node);
  if (!key) return place && !keyOf(place) && place.nodeName === node.nodeName ? place : null;
  const old = known.get(key);
  known.delete(key);
  return old || null;
}

function renew(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType === Node.TEXT_NODE) { old.data = fresh.data; return; }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  renewAll(old, [...fresh.childNodes]);
}
