// One message as DOM.

import { fileUrl } from "./api.js";
import { clockOf, h, hue, icon, size, words } from "./text.js";

const SERVICE = {
  new_chat_members: (message) => `${message.new_chat_members.map((each) => each.first_name).join("、")} 加入了群`,
  left_chat_member: (message) => `${message.left_chat_member.first_name} 离开了群`,
  migrate_to_chat_id: () => "本群已升级为超级群，请转到新群",
  migrate_from_chat_id: () => "由普通群升级而来",
};

/** The line of a service message; undefined for others. */
export function service(message) {
  const kind = Object.keys(SERVICE).find((key) => key in message);
  return kind && SERVICE[kind](message);
}

/** A message in few words, for quotes. */
export function gist(message) {
  const said = message.text ?? message.caption;
  if (said) return said.replace(/\s+/g, " ");
  return message.document ? `文件：${message.document.file_name}` : message.photo ? "图片" : service(message) ?? "消息";
}

const COLOURS = { xlsx: 145, xls: 145, csv: 145, docx: 212, doc: 212, pdf: 6, zip: 42, pptx: 22 };

function file(document) {
  const ending = (document.file_name ?? "").split(".").at(-1).toLowerCase().slice(0, 4);
  return h("a", { class: "file", href: fileUrl(document.file_id), download: document.file_name },
    h("span", { class: "ext", "--hue": COLOURS[ending] ?? 210 }, ending.toUpperCase() || "?"),
    h("span", {}, h("strong", {}, document.file_name ?? "文件"), h("small", {}, size(document.file_size ?? 0))));
}

function photo(sizes, caption, enlarge) {
  const full = sizes.at(-1);
  const image = h("img", { src: fileUrl(full.file_id), alt: caption || "图片", loading: "lazy", width: full.width, height: full.height, style: "height:auto" });
  return h("button", { class: "photo", "aria-label": "放大图片", onclick: () => enlarge(image.src) }, image);
}

/** The element of a message. `deeds`: open, tap, reply, enlarge, jump. `viewer` is whose column it stands in. */
export function element(message, { viewer, group, deeds }) {
  const line = service(message);
  if (line) return h("div", { class: "service", "data-id": message.message_id }, line);
  const own = message.from.id === viewer;
  const name = message.from.first_name;
  const bubble = h("div", { class: "bubble" });
  if (group && !own) bubble.append(h("div", { class: "sender", "--hue": hue(name) }, name));
  const quoted = message.reply_to_message;
  if (quoted) bubble.append(h("button", { class: "quote", onclick: () => deeds.jump(quoted.message_id) }, `${quoted.from.first_name}：${gist(quoted)}`));
  if (message.photo) bubble.append(photo(message.photo, message.caption, (source) => deeds.enlarge(source)));
  if (message.document) bubble.append(file(message.document));
  const said = message.text ?? message.caption;
  const body = words(said ?? "", message.entities ?? message.caption_entities, (...link) => deeds.open(...link));
  const stamp = `${message.edit_date ? "已编辑 " : ""}${clockOf(new Date(message.date * 1000))}`;
  body.append(h("span", { class: "meta" }, stamp));
  bubble.append(body);
  const keys = message.reply_markup?.inline_keyboard;
  return h("article", { class: own ? "message own" : "message", "data-id": message.message_id },
    bubble,
    keys && h("div", { class: "keys" }, keys.map((row) => h("div", {}, row.map((key) => button(message, key, deeds))))),
    h("button", { class: "icon reply", title: "回复", "aria-label": "回复这条消息", onclick: () => deeds.reply(message) }, icon("reply")));
}

function button(message, key, deeds) {
  const press = (event) => (key.url ? deeds.open("link", key.url, event) || window.open(key.url, "_blank", "noreferrer") : deeds.tap(message, key, event.currentTarget));
  return h("button", { onclick: press }, key.url ? `${key.text} ↗` : key.text);
}
