"""The Bot API by method name: which function answers, and the methods that are not about messages."""

from collections.abc import Callable
from typing import Any

from sandbox.acts import Acts, bot_member, member
from sandbox.entities import utf16_length
from sandbox.errors import ApiError, bad_request, forbidden
from sandbox.limits import Limits
from sandbox.params import Params
from sandbox.sending import UPGRADED, Sending
from sandbox.world import BOT_ID, Json, World

LARGEST_DOWNLOAD = 20 * 1024 * 1024
QUERY_SECONDS = 15 * 60
LONGEST_ANSWER = 200
MOST_COMMANDS = 100
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
CHAT_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
SCOPES = frozenset({
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
    "chat_member",
})  # fmt: skip

Method = Callable[[Params], Any]


class Methods(Sending):
    """Every method of the Bot API the sandbox knows, by its name in lower case. `getUpdates` waits and stands apart."""

    def __init__(self, world: World, limits: Limits) -> None:
        super().__init__(world, limits)
        self.by_name: dict[str, tuple[str, Method]] = {
            name.lower(): (name, method)
            for name, method in {
                "getMe": self.get_me,
                "deleteWebhook": self.delete_webhook,
                "getWebhookInfo": self.get_webhook_info,
                "sendMessage": self.send_message,
                "sendDocument": self.send_document,
                "sendPhoto": self.send_photo,
                "sendMediaGroup": self.send_media_group,
                "sendChatAction": self.send_chat_action,
                "editMessageText": self.edit_text,
                "editMessageCaption": self.edit_caption,
                "editMessageReplyMarkup": self.edit_markup,
                "editMessageMedia": self.edit_media,
                "deleteMessage": self.delete_message,
                "answerCallbackQuery": self.answer_callback_query,
                "getFile": self.get_file,
                "setMyCommands": self.set_my_commands,
                "getMyCommands": self.get_my_commands,
                "deleteMyCommands": self.delete_my_commands,
                "getChat": self.get_chat,
                "getChatMember": self.get_chat_member,
                "getChatAdministrators": self.get_chat_administrators,
                "getChatMemberCount": self.get_chat_member_count,
                "leaveChat": self.leave_chat,
            }.items()
        }

    # ---- the bot itself ---------------------------------------------------------------------------------------------

    def get_me(self, params: Params) -> Json:
        """`getMe`."""
        return {
            **self.world.bot_json(),
            "can_join_groups": True,
            "can_read_all_group_messages": not self.world.privacy,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def delete_webhook(self, params: Params) -> bool:
        """`deleteWebhook`: there is none; `drop_pending_updates` is honoured."""
        if params.boolean("drop_pending_updates"):
            self.world.updates.waiting.clear()
        return True

    def get_webhook_info(self, params: Params) -> Json:
        """`getWebhookInfo`."""
        self.world.updates.forget()
        return {"url": "", "has_custom_certificate": False, "pending_update_count": len(self.world.updates.waiting)}

    # ---- taps, signs of life, files ---------------------------------------------------------------------------------

    def answer_callback_query(self, params: Params) -> bool:
        """`answerCallbackQuery`: once per tap, within 15 minutes of the virtual clock."""
        query = self.world.queries.get(params.text("callback_query_id"))
        if query is None or query.answered or self.world.clock.seconds() - query.at > QUERY_SECONDS:
            raise bad_request(QUERY_TOO_OLD)
        text = params.text("text")
        if utf16_length(text) > LONGEST_ANSWER:
            raise bad_request("MESSAGE_TOO_LONG")
        query.answered, query.text, query.alert = True, text, params.boolean("show_alert")
        self.world.emit(
            "answer", query=query.id, person=query.person_id, chat=query.chat_id, text=text, alert=query.alert
        )
        return True

    def send_chat_action(self, params: Params) -> bool:
        """`sendChatAction`."""
        chat = self.writable(params)
        action = params.text("action")
        if action not in CHAT_ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.world.emit("action", chat=chat.id, action=action)
        return True

    def get_file(self, params: Params) -> Json:
        """`getFile`: up to 20 MB."""
        stored = self.world.files.get(params.text("file_id"))
        if stored is None:
            raise bad_request("invalid file_id")
        if stored.size > LARGEST_DOWNLOAD:
            raise bad_request("file is too big")
        return {
            "file_id": stored.file_id,
            "file_unique_id": stored.unique_id,
            "file_size": stored.size,
            "file_path": stored.path,
        }

    # ---- command menus ----------------------------------------------------------------------------------------------

    def _scope(self, params: Params) -> str:
        """The key under which a menu is kept: scope and language."""
        scope = params.json("scope") or {"type": "default"}
        kind = scope.get("type") if isinstance(scope, dict) else None
        if kind not in SCOPES:
            raise bad_request("can't parse BotCommandScope: Unsupported type specified")
        key = str(kind)
        if kind.startswith("chat"):
            key += f":{self.chat_of(Params(scope)).id}"
        if kind == "chat_member":
            key += f":{Params(scope).integer('user_id')}"
        return f"{key}:{params.text('language_code')}"

    def set_my_commands(self, params: Params) -> bool:
        """`setMyCommands`."""
        key = self._scope(params)
        commands = params.json("commands")
        if not isinstance(commands, list) or not all(isinstance(each, dict) for each in commands):
            raise bad_request("can't parse commands JSON object")
        if len(commands) > MOST_COMMANDS:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        kept = []
        for each in commands:
            name, description = str(each.get("command", "")).removeprefix("/"), str(each.get("description", ""))
            ascii_name = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
            if not ascii_name or len(name) > 32:
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= utf16_length(description) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
            kept.append({"command": name, "description": description})
        self.world.commands[key] = kept
        self.world.emit("commands")
        return True

    def get_my_commands(self, params: Params) -> list[Json]:
        """`getMyCommands`."""
        return self.world.commands.get(self._scope(params), [])

    def delete_my_commands(self, params: Params) -> bool:
        """`deleteMyCommands`."""
        self.world.commands.pop(self._scope(params), None)
        self.world.emit("commands")
        return True

    # ---- chats ------------------------------------------------------------------------------------------------------

    def get_chat(self, params: Params) -> Json:
        """`getChat`."""
        chat = self.chat_of(params)
        if chat.migrated_to is not None:
            raise ApiError(400, f"Bad Request: {UPGRADED}", migrate_to_chat_id=chat.migrated_to)
        if chat.kind != "private" and chat.bot == "kicked":
            raise forbidden(f"bot was kicked from the {chat.kind} chat")
        gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
        return {
            **chat.json(),
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(gifts, False),
        }

    def get_chat_member(self, params: Params) -> Json:
        """`getChatMember`."""
        chat = self.chat_of(params)
        user_id = params.integer("user_id")
        if user_id == BOT_ID:
            return bot_member(self.world, chat.bot)
        person = self.world.people.get(user_id)
        if person is None:
            raise bad_request("user not found" if user_id > 0 else "invalid user_id specified")
        return member(person.json(), chat.members.get(user_id, "left"))

    def get_chat_administrators(self, params: Params) -> list[Json]:
        """`getChatAdministrators`."""
        chat = self.chat_of(params)
        if chat.kind == "private":
            raise bad_request("there are no administrators in the private chat")
        leads = [
            member(self.world.people[person_id].json(), status)
            for person_id, status in chat.members.items()
            if status in ("creator", "administrator")
        ]
        return [*leads, bot_member(self.world, chat.bot)] if chat.bot == "administrator" else leads

    def get_chat_member_count(self, params: Params) -> int:
        """`getChatMemberCount`, the bot included."""
        chat = self.chat_of(params)
        return len(chat.members) + (chat.bot in ("member", "administrator"))

    def leave_chat(self, params: Params) -> bool:
        """`leaveChat`."""
        chat = self.writable(params)
        if chat.kind == "private":
            raise bad_request("chat member status can't be changed in private chats")
        Acts(self.world).bot_leaves(chat)
        return True
