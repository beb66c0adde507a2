// Building the page. Data enters as text nodes and attributes only, never as markup.

export const byId = (id) => document.getElementById(id);

/** el("p", {class: "x", onclick: f}, "text", node): an element; null children are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Put `children` in place of what is there, keeping focus on the element of the same id. */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat(2).filter((child) => child !== null));
  if (focused) byId(focused)?.focus();
}

export function show(element, visible) {
  element.hidden = !visible;
}

/** Like Map.groupBy, which older desks' browsers lack. */
export function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

let noticeTimer = 0;

/** Say what went wrong, until it has been readable for a while. */
export function notice(text) {
  fill(byId("notices"), text ? el("p", {}, text) : null);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => fill(byId("notices")), 8000);
}
