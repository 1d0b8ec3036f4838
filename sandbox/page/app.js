// The page: who is shown, the clock, the dialogs. Everything it knows comes from the event stream.

import { act, follow, order } from "./api.js";
import { Column, deepLink, found } from "./column.js";
import { dayOf, h, hue, initial, nextNine, secondsOf, wall } from "./text.js";

const $ = (id) => document.getElementById(id);
const store = { bot: null, people: new Map(), chats: new Map(), messages: new Map(), now: new Date(), frozen: true, heardAt: 0 };
const columns = new Map(); // chat id -> Column, for every chat; those in `shown` stand on the page
let shown = null;
let front = null;
const AT_FIRST = 5;
const MOST_BY_ITSELF = 6;

// ---- events ----------------------------------------------------------------------------------------------------------

function structure(event) {
  store.bot = event.bot;
  store.people = new Map(event.people.map((each) => [each.id, each]));
  store.chats = new Map(event.chats.map((each) => [each.id, each]));
  setClock(event);
  for (const chat of event.chats) {
    if (!columns.has(chat.id)) columns.set(chat.id, new Column(store, chat.id, page));
    else columns.get(chat.id).refresh();
  }
}

const heard = {
  state(event) {
    store.messages = new Map(Object.entries(event.messages).map(([id, list]) => [Number(id), new Map(list.map((each) => [each.message_id, each]))]));
    columns.clear();
    structure(event);
    shown ??= atFirst();
    arrange();
    for (const id of shown) columns.get(id)?.toEnd();
  },
  structure(event) {
    const before = new Set(columns.keys());
    structure(event);
      for (const id of columns.keys()) if (!before.has(id) && shown.size < MOST_BY_ITSELF) shown.add(id);
    arrange();
  },
  message({ chat, message }) {
    if (!store.messages.has(chat)) store.messages.set(chat, new Map());
    store.messages.get(chat).set(message.message_id, message);
    columns.get(chat)?.show(message);
  },
  deleted({ chat, message_id: id }) {
    store.messages.get(chat)?.delete(id);
    columns.get(chat)?.forget(id);
  },
  keyboard({ chat, keyboards }) {
    if (!store.chats.has(chat)) return;
    store.chats.get(chat).keyboards = keyboards;
    columns.get(chat).boardHidden = false;
    columns.get(chat).refresh();
  },
  answer(event) { columns.get(event.chat)?.answered(event); },
  action({ chat }) { columns.get(chat)?.typing(); },
  clock: setClock,
  tap() {},
};

/** Those with a part to play first, the groups last. */
function atFirst() {
  const people = [...store.people.values()].filter((each) => each.note);
  const groups = [...store.chats.values()].filter((each) => each.kind !== "private" && !each.migrated_to).slice(0, 1);
  const cast = (people.length ? people : [...store.people.values()]).slice(0, AT_FIRST - groups.length);
  return new Set([...cast, ...groups].map((each) => each.id));
}

// ---- the strip and the columns -----------------------------------------------------------------------------------------

function arrange() {
  const standing = [...columns.values()].filter((column) => shown.has(column.chatId) || column.chatId === front);
  if (!standing.some((column) => column.chatId === front)) front = standing[0]?.chatId ?? null;
  const elements = standing.map((column) => column.element);
  if (elements.length !== $("columns").children.length || elements.some((each, index) => $("columns").children[index] !== each)) {
    $("columns").replaceChildren(...elements);
    for (const column of standing) column.toEnd();
  }
  for (const column of columns.values()) column.element.classList.toggle("front", column.chatId === front);
  strip();
}

const narrow = window.matchMedia("(max-width: 640px)");
narrow.addEventListener("change", () => arrange());

function strip() {
  const chips = [...columns.values()].map((column) => {
    const pressed = narrow.matches ? column.chatId === front : shown.has(column.chatId);
    return h("button", { class: "chip", "aria-pressed": String(pressed), "data-chip": column.name, onclick: () => page.toggle(column.chatId) },
      h("span", { class: column.group ? "avatar group" : "avatar", "--hue": hue(column.name) }, initial(column.name)),
      column.name,
      column.unread > 0 && !pressed && h("span", { class: "badge" }, String(column.unread)));
  });
  $("people").replaceChildren(...chips);
}

const page = {
  marked() { strip(); },
  toggle(id) {
    if (narrow.matches) {
      front = id;
      arrange();
      columns.get(id).read();
      columns.get(id).toEnd();
      return;
    }
    if (shown.has(id)) shown.delete(id);
    else shown.add(id);
    arrange();
    if (shown.has(id)) columns.get(id).element.scrollIntoView({ inline: "nearest", behavior: "smooth" });
  },
  enlarge(source) {
    $("picture").querySelector("img").src = source;
    $("picture").showModal();
  },
  askLink(column) {
    ask("打开链接", [h("label", {}, `${column.name} 收到的邀请链接`, h("input", { type: "text", name: "link", required: true, placeholder: `https://t.me/${store.bot.username}?start=…` }))], "打开", (answers) => {
      const link = deepLink(answers.get("link").trim(), store.bot.username);
      if (!link) return column.toast("这不是本机器人的链接");
      return link.group ? page.joinGroup(column, link.payload) : column.try(act(column.viewer, "start", { payload: link.payload || undefined }));
    });
  },
  joinGroup(column, payload) {
    if (column.group) return column.do("add_bot", { payload });
    const groups = [...store.chats.values()].filter((each) => each.kind !== "private" && column.viewer in each.members);
    if (!groups.length) return column.toast("还没有群，请先在上方添加");
    return ask("把机器人加入哪个群？", [h("label", {}, "群", h("select", { name: "group" }, groups.map((each) => h("option", { value: each.id }, each.title))))], "加入", (answers) =>
      column.try(act(column.viewer, "add_bot", { chat: Number(answers.get("group")), payload })));
  },
};

// ---- dialogs -----------------------------------------------------------------------------------------------------------

function ask(title, fields, verb, done) {
  const form = h("form", { method: "dialog" }, h("h2", {}, title), fields,
    h("menu", {}, h("button", { type: "button", onclick: () => $("ask").close() }, "取消"), h("button", { class: "primary" }, verb)));
  form.addEventListener("submit", () => done(new FormData(form)));
  $("ask").replaceChildren(form);
  $("ask").showModal();
}

function addSomebody() {
  const members = [...store.people.values()].map((each) => h("label", { class: "tick" }, h("input", { type: "checkbox", name: "member", value: each.id }), each.name));
  ask("添加人员或群", [
    h("label", {}, "姓名或群名", h("input", { type: "text", name: "name", required: true, maxlength: 40 })),
    h("label", {}, "身份说明（可空）", h("input", { type: "text", name: "note", maxlength: 40, placeholder: "如：财政局 · 联络员" })),
    members.length > 0 && h("fieldset", {}, h("label", {}, "选了成员就建群，不选就是新的人"), members),
  ], "添加", async (answers) => {
    const chosen = answers.getAll("member").map(Number);
    const name = answers.get("name").trim();
    if (!name) return;
    await (chosen.length ? found(name, chosen) : order("people", { name, note: answers.get("note").trim() })).catch((error) => console.warn(error.message));
  });
}

$("add").addEventListener("click", addSomebody);
$("picture").addEventListener("click", () => $("picture").close());

// ---- the clock ---------------------------------------------------------------------------------------------------------

function setClock({ now, frozen }) {
  store.now = new Date(now);
  store.frozen = frozen;
  store.heardAt = performance.now();
  $("toggle").textContent = frozen ? "开始走时" : "停住时间";
  $("pace").textContent = frozen ? "已停" : "走时中";
  tick();
}

const virtual = () => new Date(store.now.getTime() + (store.frozen ? 0 : performance.now() - store.heardAt));

function tick() {
  const now = virtual();
  $("day").textContent = dayOf(now, narrow.matches);
  $("time").textContent = secondsOf(now);
  $("time").dateTime = now.toISOString();
}
setInterval(tick, 250);

const move = (body) => order("clock", body).catch(() => { $("status").textContent = "没有拨动：时间只能向前"; });
const moves = {
  hour: () => move({ advance: 3600 }),
  day: () => move({ advance: 86400 }),
  nine: () => move({ to: nextNine(virtual()).toISOString() }),
  moment: () =>
    ask("把时间拨到", [h("label", {}, "北京时间，只能向前", h("input", { type: "datetime-local", name: "moment", required: true, min: wall(virtual()), value: wall(virtual()) }))], "拨到", (answers) =>
      move({ to: `${answers.get("moment")}:00+08:00` })),
  pace: () => move({ running: store.frozen }),
};
$("dial").addEventListener("click", (event) => moves[event.target.dataset.move]?.());
$("now").addEventListener("click", () => {
  const open = $("dial").classList.toggle("open");
  $("now").setAttribute("aria-expanded", String(open));
});
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".clock")) $("dial").classList.remove("open");
});

follow(
  (event) => heard[event.event]?.(event),
  (on) => {
    $("status").textContent = on ? "虚拟时间 · 一切都在本机" : "连接中断，正在重试…";
    $("status").classList.toggle("off", !on);
  },
);
