// One column: a chat as one person sees it.

import { act, order, upload } from "./api.js";
import { element, gist } from "./message.js";
import { dayOf, h, hue, icon, initial } from "./text.js";

const LONGEST_TEXT = 4096;
const LONGEST_CAPTION = 1024;
const LARGEST_ALBUM = 10;
const RASTER = /^image\/(png|jpeg|gif|webp)$/;

export class Column {
  constructor(store, chatId, page) {
    this.store = store;
    this.chatId = chatId;
    this.page = page;
    this.viewer = this.group ? Number(Object.keys(this.chat.members)[0]) : chatId;
    this.unread = 0;
    this.waiting = new Map();
    this.files = [];
    this.replyTo = null;
    this.boardHidden = false;
    this.pinned = true; // to the newest message, whatever grows: text, pictures, a font that comes late
    this.build();
    this.reload();
  }

  get chat() { return this.store.chats.get(this.chatId); }
  get group() { return this.chat.kind !== "private"; }
  get name() { return this.chat.title; }
  get front() { return this.element.classList.contains("front"); }

  build() {
    this.title = h("h2");
    this.note = h("p");
    this.count = h("span", { class: "badge", hidden: true });
    this.list = h("div", { class: "list", role: "log", "aria-label": `${this.name}的消息` });
    this.scroll = h("div", { class: "scroll", onscroll: () => this.scrolled() }, this.list);
    this.foot = h("footer", { class: "foot" });
    this.downwards = h("button", { class: "icon down", hidden: true, "aria-label": "到最新消息", onclick: () => this.toEnd() }, icon("down"));
    this.element = h("section", { class: "column", "aria-label": this.name, "data-chat": this.chatId, "data-name": this.name },
      h("header", {},
        h("span", { class: this.group ? "avatar group" : "avatar", "--hue": hue(this.name) }, initial(this.name)),
        h("div", { class: "who" }, this.title, this.note),
        this.count,
        h("button", { class: "icon", title: "更多", "aria-label": "更多", onclick: () => this.more() }, icon("more"))),
      this.scroll,
      (this.above = h("div", { class: "above" }, this.downwards)),
      this.foot);
    const grown = new ResizeObserver(() => { if (this.pinned) this.toEnd(); });
    grown.observe(this.list);
    grown.observe(this.scroll);
    for (const kind of ["pointerdown", "focusin", "wheel"]) this.element.addEventListener(kind, () => this.read(), { passive: true });
    this.element.addEventListener("dragover", (event) => { event.preventDefault(); this.element.classList.add("over"); });
    this.element.addEventListener("dragleave", (event) => { if (!this.element.contains(event.relatedTarget)) this.element.classList.remove("over"); });
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      this.element.classList.remove("over");
      this.take(event.dataTransfer.files);
    });
  }

  // ---- what is shown -------------------------------------------------------------------------------------------------

  reload() {
    this.list.replaceChildren();
    this.lastDay = "";
    for (const message of this.store.messages.get(this.chatId)?.values() ?? []) this.show(message, false);
    this.refresh();
    this.toEnd();
  }

  refresh() {
    const person = this.store.people.get(this.chatId);
    this.title.textContent = this.name;
    this.say(this.group ? `群 · ${Object.keys(this.chat.members).length} 人` : person?.note || "与考评助手的对话");
    this.drawFoot();
  }

  say(line, busy = false) {
    this.note.textContent = line;
    this.note.classList.toggle("busy", busy);
  }

  show(message, live = true) {
    const old = this.list.querySelector(`[data-id="${message.message_id}"]`);
    const made = element(message, { viewer: this.viewer, group: this.group, deeds: this });
    if (old) {
      old.replaceWith(made);
      return;
    }
    const day = dayOf(new Date(message.date * 1000), true);
    this.list.querySelector(".empty")?.remove();
    if (day !== this.lastDay) this.list.append(h("div", { class: "day" }, (this.lastDay = day)));
    if (live) made.classList.add("fresh");
    this.list.append(made);
    if (this.pinned || message.from.id === this.viewer) this.toEnd();
    if (live && message.from.id !== this.viewer) {
      this.mark(this.unread + 1);
      clearTimeout(this.busy);
      this.refreshNote();
    }
  }

  refreshNote() { if (this.note.classList.contains("busy")) this.refresh(); }

  typing() {
    this.say("考评助手正在输入…", true);
    clearTimeout(this.busy);
    this.busy = setTimeout(() => this.refresh(), 5000);
  }

  forget(messageId) { this.list.querySelector(`[data-id="${messageId}"]`)?.remove(); }

  get atEnd() { return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 60; }
  toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.scrolled();
  }
  scrolled() {
    this.pinned = this.atEnd;
    this.downwards.hidden = this.pinned;
  }

  mark(count) {
    this.unread = count;
    this.count.hidden = count === 0;
    this.count.textContent = count;
    this.page.marked(this);
  }
  read() { if (this.unread) this.mark(0); }

  // ---- deeds ---------------------------------------------------------------------------------------------------------

  async try(deed) {
    try {
      return await deed;
    } catch (error) {
      this.toast("这一步没有做成");
      console.warn(error.message);
      return undefined;
    }
  }

  do(doing, more = {}) { return this.try(act(this.viewer, doing, { chat: this.chatId, ...more })); }

  open(kind, target, event) {
    if (kind === "command") {
      event.preventDefault();
      this.do("send", { text: target });
      return true;
    }
    const link = deepLink(target, this.store.bot.username);
    if (!link) return false;
    event.preventDefault();
    if (link.group) this.page.joinGroup(this, link.payload);
    else this.try(act(this.viewer, "start", { payload: link.payload || undefined }));
    return true;
  }

  async tap(message, key, button) {
    if (key.copy_text) return navigator.clipboard?.writeText(key.copy_text.text);
    button.classList.add("waiting");
    const query = await this.do("tap", { message: message.message_id, button: key.callback_data });
    if (query?.answered === false) this.waiting.set(query.id, button);
    else button.classList.remove("waiting");
    setTimeout(() => button.classList.remove("waiting"), 15000);
    return query;
  }

  answered({ query, text, alert }) {
    this.waiting.get(query)?.classList.remove("waiting");
    this.waiting.delete(query);
    this.element.querySelectorAll(".waiting").forEach((button) => button.classList.remove("waiting"));
    if (text) alert ? this.alert(text) : this.toast(text);
  }

  toast(text) {
    this.element.querySelector(".toast")?.remove();
    const toast = h("div", { class: "toast", role: "status" }, text);
    this.above.append(toast);
    setTimeout(() => toast.remove(), 4000);
  }

  alert(text) {
    const box = h("div", { class: "alert", role: "alertdialog" },
      h("div", {}, h("p", {}, text), h("button", { class: "primary", onclick: () => box.remove() }, "知道了")));
    this.element.append(box);
    box.querySelector("button").focus();
  }

  reply(message) {
    this.replyTo = message;
    this.drawFoot();
    this.input?.focus();
  }

  jump(messageId) { this.list.querySelector(`[data-id="${messageId}"]`)?.scrollIntoView({ block: "center", behavior: "smooth" }); }
  enlarge(source) { this.page.enlarge(source); }

  take(files) {
    this.files = [...this.files, ...files].slice(0, LARGEST_ALBUM);
    this.drawFoot();
    this.input?.focus();
  }

  async send() {
    const text = this.input.value.trim();
    const replyTo = this.replyTo?.message_id;
    if (text.length > (this.files.length ? LONGEST_CAPTION : LONGEST_TEXT)) return this.toast("内容太长，请分几条发送");
    if (!text && !this.files.length) return undefined;
    const { files, asPhoto } = this;
    this.input.value = "";
    this.files = [];
    this.replyTo = null;
    this.drawFoot();
    this.input?.focus();
    if (files.length) return this.try(upload(this.viewer, this.chatId, files, { caption: text, replyTo, photo: asPhoto }));
    return this.do("send", { text, reply_to: replyTo });
  }

  // ---- the foot ------------------------------------------------------------------------------------------------------

  drawFoot() {
    const kept = this.input?.value ?? "";
    const focused = this.input && document.activeElement === this.input;
    const { chat } = this;
    if (!this.group && chat.bot === "never") {
      this.input = null;
      this.foot.replaceChildren(h("button", { class: "primary", onclick: () => this.do("start") }, "开始"));
      if (!this.list.childElementCount) this.list.append(h("p", { class: "empty" }, "还没有对话。按「开始」与考评助手说话；", h("br"), "有邀请链接的，从右上角「⋯」打开。"));
      return;
    }
    if (!this.group && chat.bot === "kicked") {
      this.input = null;
      this.foot.replaceChildren(h("p", { class: "closed" }, "已停用机器人，收不到它的消息。"), h("button", { class: "primary", onclick: () => this.do("unblock") }, "重新启用"));
      return;
    }
    if (chat.migrated_to) {
      this.input = null;
      this.foot.replaceChildren(h("p", { class: "closed" }, "本群已升级为超级群。"));
      return;
    }
    const board = chat.keyboards[this.viewer];
    const menu = chat.menus[this.viewer] ?? [];
    this.input = h("textarea", {
      rows: 1, "aria-label": `以${this.store.people.get(this.viewer)?.name}的身份写消息`,
      placeholder: board?.input_field_placeholder ?? (this.files.length ? "添加说明…" : "写消息…"),
      onkeydown: (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
      },
    });
    this.input.value = kept;
    const picker = h("input", { type: "file", multiple: true, hidden: true, onchange: () => { this.take(picker.files); picker.value = ""; } });
    this.foot.replaceChildren(...[
      this.group && this.asWho(),
      this.replyTo && this.strip(`回复 ${this.replyTo.from.first_name}：${gist(this.replyTo)}`, () => { this.replyTo = null; }),
      this.files.length > 0 && this.fileStrip(),
      h("div", { class: "writing" },
        menu.length > 0 && h("button", { class: "icon", title: "命令", "aria-label": "命令菜单", onclick: () => this.menu(menu) }, icon("menu")),
        h("button", { class: "icon", title: "发送文件", "aria-label": "发送文件", onclick: () => picker.click() }, icon("attach")),
        picker,
        this.input,
        board && h("button", { class: "icon", title: "键盘", "aria-label": "显示或收起键盘", onclick: () => { this.boardHidden = !this.boardHidden; this.drawFoot(); } }, icon("keyboard")),
        h("button", { class: "icon send", title: "发送", "aria-label": "发送", onclick: () => this.send() }, icon("send"))),
      board && !this.boardHidden && h("div", { class: "board" }, board.keyboard.map((row) => h("div", {}, row.map((key) =>
        h("button", { onclick: () => this.do("press", { key: key.text }) }, key.text))))),
    ].filter(Boolean));
    if (focused) this.input.focus();
  }

  asWho() {
    const choice = h("select", { "aria-label": "发言人", onchange: () => { this.viewer = Number(choice.value); this.reload(); } },
      Object.keys(this.chat.members).map((id) => h("option", { value: id, selected: Number(id) === this.viewer }, this.store.people.get(Number(id))?.name)));
    return h("label", { class: "as" }, "发言人", choice);
  }

  strip(line, drop, ...more) {
    return h("div", { class: "strip" }, h("span", {}, line), more, h("button", { class: "icon", "aria-label": "取消", onclick: () => { drop(); this.drawFoot(); } }, icon("close")));
  }

  fileStrip() {
    const pictures = this.files.every((file) => RASTER.test(file.type));
    this.asPhoto = pictures && (this.asPhoto ?? true);
    const tick = h("input", { type: "checkbox", checked: this.asPhoto, onchange: () => { this.asPhoto = tick.checked; } });
    return this.strip(this.files.map((file) => file.name).join("、"), () => { this.files = []; }, pictures && h("label", {}, tick, "以图片发送"));
  }

  pop(entries, where = "") {
    const open = this.element.querySelector(".pop");
    open?.remove();
    if (open) return;
    const pop = h("div", { class: `pop ${where}` }, entries.map(([label, deed, detail]) =>
      h("button", { onclick: () => { pop.remove(); deed(); } }, h("b", {}, label), detail && h("span", {}, detail))));
    this.element.append(pop);
    const away = (event) => { if (!pop.contains(event.target)) { pop.remove(); document.removeEventListener("pointerdown", away, true); } };
    setTimeout(() => document.addEventListener("pointerdown", away, true));
  }

  menu(commands) { this.pop(commands.map((each) => [`/${each.command}`, () => this.do("send", { text: `/${each.command}` }), each.description])); }

  more() {
    const inGroup = this.group && ["member", "administrator"].includes(this.chat.bot);
    const entries = this.group
      ? [
          inGroup ? ["移出机器人", () => this.do("remove_bot")] : ["加入机器人", () => this.do("add_bot")],
          inGroup && (this.chat.bot === "member" ? ["设机器人为管理员", () => this.do("promote_bot", { administrator: true })] : ["取消机器人管理员", () => this.do("promote_bot", { administrator: false })]),
          this.chat.kind === "group" && ["升级为超级群", () => this.do("migrate")],
        ]
      : [
          ["打开链接…", () => this.page.askLink(this)],
          this.chat.bot === "member" && ["停用机器人", () => this.do("block")],
          ["复制编号", () => navigator.clipboard?.writeText(String(this.chatId)), String(this.chatId)],
        ];
    this.pop([...entries.filter(Boolean), ["收起此栏", () => this.page.toggle(this.chatId)]], "upper");
  }
}

/** What a link to the bot asks for: `start` or `startgroup` with a payload; null for any other link. */
export function deepLink(target, username) {
  let url;
  try { url = new URL(/^[a-z]+:\/\//i.test(target) ? target : `https://${target}`); } catch { return null; }
  if (!/^(www\.)?(t|telegram)\.me$/i.test(url.hostname) || url.pathname.slice(1).toLowerCase() !== username.toLowerCase()) return null;
  const group = url.searchParams.get("startgroup");
  return group === null ? { group: false, payload: url.searchParams.get("start") ?? "" } : { group: true, payload: group };
}

export const found = (title, members) => order("groups", { title, members, bot: false });
