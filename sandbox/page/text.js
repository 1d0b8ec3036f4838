// Words and dates: Bot API text with its entities as DOM, instants in Beijing time.

const ZONE = "Asia/Shanghai";
const formats = {
  clock: new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  seconds: new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
  day: new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, year: "numeric", month: "long", day: "numeric" }),
  short: new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, month: "long", day: "numeric" }),
  weekday: new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, weekday: "short" }),
};

export const clockOf = (instant) => formats.clock.format(instant);
export const secondsOf = (instant) => formats.seconds.format(instant);
export const dayOf = (instant, short = false) =>
  `${(short ? formats.short : formats.day).format(instant)} ${formats.weekday.format(instant)}`;

// Beijing has no daylight saving: its wall clock is UTC + 8 hours, always.
const OFFSET = 8 * 3600e3;
export const wall = (instant) => new Date(instant.getTime() + OFFSET).toISOString().slice(0, 16);
export function nextNine(instant) {
  const local = new Date(instant.getTime() + OFFSET);
  const nine = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), 9) - OFFSET;
  return new Date(nine > instant.getTime() ? nine : nine + 24 * 3600e3);
}

/** An element with properties and children; `class`, `on…` and `data-…` as in HTML. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  send: "M4 12l16-8-6 16-3-6z",
  attach: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 4.8 4.8l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6",
  menu: "M5 7h14M5 12h14M5 17h9",
  keyboard: "M4 7h16v10H4zM7.5 10.5h.01M12 10.5h.01M16.5 10.5h.01M8.5 14h7",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  close: "M7 7l10 10M17 7L7 17",
  down: "M6 10l6 6 6-6",
  reply: "M10 7L4.5 12 10 17M5 12h9a5 5 0 0 1 5 5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  if (name === "more") path.setAttribute("stroke-width", "3");
  svg.append(path);
  return svg;
}

/** A stable hue for a name, so that a person keeps his colour. */
export function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 3600;
  return [205, 168, 28, 262, 340, 95, 230, 12][sum % 8];
}

/** One or two characters that stand for a name: the given name's last in Chinese. */
export const initial = (name) => (/^[\p{Script=Han}]{2,4}$/u.test(name) ? name.at(-1) : Array.from(name)[0] ?? "？");

export function size(bytes) {
  if (bytes < 1024) return `${bytes} 字节`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/** Text with entities as DOM nodes. Offsets are UTF-16 units, as JavaScript counts. `open` handles links and commands. */
export function words(text, entities, open) {
  const sorted = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const root = h("div", { class: "words" });
  fill(root, text, 0, text.length, sorted, open);
  return root;
}

function fill(parent, text, from, to, entities, open) {
  let at = from;
  while (entities.length && entities[0].offset < to) {
    const entity = entities.shift();
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset < at) continue;
    parent.append(text.slice(at, entity.offset));
    const element = dress(entity, text.slice(entity.offset, end), open);
    fill(element, text, entity.offset, end, entities, open);
    parent.append(element);
    at = end;
  }
  parent.append(text.slice(at, to));
}

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };

function dress(entity, covered, open) {
  if (entity.type in TAGS) return h(TAGS[entity.type]);
  if (entity.type === "spoiler") return h("span", { class: "spoiler" });
  if (entity.type === "text_link" || entity.type === "url") {
    const given = entity.url ?? covered;
    const url = /^[a-z]+:\/\//i.test(given) ? given : `http://${given}`;
    const safe = /^(https?|tg):/i.test(url);
    return h("a", { href: safe ? url : "#", rel: "noreferrer", target: "_blank", onclick: (event) => open("link", url, event) });
  }
  if (entity.type === "bot_command") {
    return h("a", { class: "command", href: "#", onclick: (event) => open("command", covered, event) });
  }
  return h("span", { class: entity.type });
}
