"""What people do: write, send files, tap, block the bot, run groups. Each act becomes the updates a bot would get."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any

from sandbox.entities import detect, utf16_length
from sandbox.errors import ActRefused
from sandbox.images import photo_sizes, picture_size
from sandbox.world import BOT_ID, Chat, Json, Person, Query, Standing, World, entities_of, text_of

PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_ALBUM = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a person's hand. The MIME type is guessed from the name where none is given."""

    name: str
    data: bytes
    mime: str | None = None

    @property
    def type(self) -> str:
        return self.mime or mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Acts:
    """Everything a person can do, on one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    # ---- writing ----------------------------------------------------------------------------------------------------

    def start(self, person: Person, payload: str | None = None) -> Json:
        """Press START, or follow a deep link `t.me/<bot>?start=<payload>`."""
        if payload is not None and not PAYLOAD.fullmatch(payload):
            raise ActRefused(f"a deep link carries 1 to 64 of A-Z a-z 0-9 _ -: {payload!r}")
        chat = self.world.chats[person.id]
        if chat.bot == "kicked":
            self.unblock(person)
        return self.send(person, chat, f"/start {payload}" if payload else "/start")

    def send(self, person: Person, chat: Chat, text: str, reply_to: int | None = None) -> Json:
        """Write a message. It goes out as a client sends it: trimmed, at most 4096 UTF-16 units."""
        text = text.strip()
        if not text or utf16_length(text) > LONGEST_TEXT:
            raise ActRefused(f"a message has 1 to {LONGEST_TEXT} characters")
        return self._deliver(person, chat, _content("text", "entities", text), reply_to)

    def send_files(
        self,
        person: Person,
        chat: Chat,
        uploads: list[Upload],
        caption: str = "",
        reply_to: int | None = None,
        *,
        as_photo: bool = False,
    ) -> list[Json]:
        """Send files or pictures; several at once are an album, whose caption stands under the first."""
        if not 1 <= len(uploads) <= LARGEST_ALBUM:
            raise ActRefused(f"1 to {LARGEST_ALBUM} files go at once")
        longest = LONGEST_TEXT if person.premium else LONGEST_CAPTION
        if utf16_length(caption) > longest:
            raise ActRefused(f"a caption has at most {longest} characters")
        album = {"media_group_id": str(13_000_000_000_000_000 + self.world.serial())} if len(uploads) > 1 else {}
        sent = []
        for index, upload in enumerate(uploads):
            content = {**album, **self._attach(upload, as_photo=as_photo)}
            if index == 0 and caption.strip():
                content |= _content("caption", "caption_entities", caption.strip())
            sent.append(self._deliver(person, chat, content, reply_to))
        return sent

    def edit(self, person: Person, chat: Chat, message_id: int, text: str) -> Json:
        """Change one's own text message; the bot gets an `edited_message`."""
        message = chat.messages.get(message_id)
        if message is None or message["from"]["id"] != person.id or "text" not in message:
            raise ActRefused("only one's own text can be edited")
        edited = {key: value for key, value in message.items() if key != "entities"}
        edited |= {**_content("text", "entities", text.strip()), "edit_date": self.world.clock.seconds()}
        chat.messages[message_id] = edited
        if self._visible(chat, edited):
            self.world.updates.push("edited_message", edited)
        self.world.emit("message", chat=chat.id, message=edited)
        return edited

    def _attach(self, upload: Upload, *, as_photo: bool) -> Json:
        if as_photo:
            if (size := picture_size(upload.data)) is None:
                raise ActRefused(f"not a picture: {upload.name}")
            stored = self.world.store(upload.name, upload.type, upload.data, "photos")
            return {"photo": photo_sizes(stored, size)}
        stored = self.world.store(upload.name, upload.type, upload.data, "documents")
        return {"document": stored.document()}

    def _deliver(self, person: Person, chat: Chat, content: Json, reply_to: int | None) -> Json:
        self._require_member(person, chat)
        world = self.world
        if chat.kind == "private" and chat.bot in ("never", "left"):
            chat.bot = "member"
            world.emit("chat", chat=chat.id)
        if reply_to is not None:
            quoted = world.quoted(chat, reply_to)
            if quoted is None:
                raise ActRefused(f"there is no message {reply_to} in this chat to reply to")
            content = {"reply_to_message": quoted, **content}
        message = world.post(chat, person.json(), content)
        self._put_away_one_time_keyboard(chat, person, message)
        if self._visible(chat, message):
            world.updates.push("message", message)
        world.emit("message", chat=chat.id, message=message)
        return message

    def _put_away_one_time_keyboard(self, chat: Chat, person: Person, message: Json) -> None:
        keyboard = chat.keyboards.get(person.id)
        if keyboard and keyboard.get("one_time_keyboard") and text_of(message) in labels_of(keyboard):
            del chat.keyboards[person.id]
            self.world.emit("keyboard", chat=chat.id, keyboards=chat.keyboards)

    def _require_member(self, person: Person, chat: Chat) -> None:
        if person.id not in chat.members:
            raise ActRefused(f"{person.name} is not in {chat.title}")
        if chat.migrated_to is not None:
            raise ActRefused(f"{chat.title} has become a supergroup: {chat.migrated_to}")
        if chat.kind == "private" and chat.bot == "kicked":
            raise ActRefused(f"{person.name} has blocked the bot")
        if person.deactivated:
            raise ActRefused(f"{person.name} has deleted the account")

    def _visible(self, chat: Chat, message: Json) -> bool:
        """Whether the bot is shown this: all of a private chat; of a group, in privacy mode, what is meant for it."""
        if chat.kind == "private":
            return True
        if chat.bot == "administrator":
            return True
        if chat.bot != "member":
            return False
        if not self.world.privacy or message.get("reply_to_message", {}).get("from", {}).get("id") == BOT_ID:
            return True
        me = f"@{self.world.bot_username}".lower()
        for entity, words in entities_of(message):
            if entity["type"] == "mention" and words.lower() == me:
                return True
            if entity["type"] == "bot_command" and entity["offset"] == 0:
                _, at, name = words.partition("@")
                return not at or f"@{name}".lower() == me
        return False

    # ---- buttons ----------------------------------------------------------------------------------------------------

    def tap(self, person: Person, chat: Chat, message_id: int, button: str) -> Query:
        """Tap an inline button, named by its words or its callback data. The update carries no date of its own."""
        self._require_member(person, chat)
        message = chat.messages.get(message_id)
        if message is None:
            raise ActRefused(f"there is no message {message_id} in {chat.title}")
        buttons = [each for row in message.get("reply_markup", {}).get("inline_keyboard", []) for each in row]
        found = [each for each in buttons if each["text"] == button] or [
            each for each in buttons if each.get("callback_data") == button
        ]
        if not found or "callback_data" not in found[0]:
            raise ActRefused(f"no button {button!r} to tap; there are {[each['text'] for each in buttons]}")
        return self.forge(person, chat, message, found[0]["callback_data"])

    def forge(self, person: Person, chat: Chat, message: Json, data: str) -> Query:
        """A tap with any data at all, as an altered client could send it."""
        world = self.world
        identity = str(4_000_000_000_000_000_000 + world.serial())
        query = Query(identity, world.clock.seconds(), person.id, chat.id, message["message_id"], data)
        world.queries[query.id] = query
        update: Json = {
            "id": query.id,
            "from": person.json(),
            "message": message,
            "chat_instance": str(-(2**62) - chat.id),
            "data": data,
        }
        world.updates.push("callback_query", update)
        world.emit("tap", query=query.id, person=person.id, chat=chat.id)
        return query

    def press(self, person: Person, chat: Chat, label: str) -> Json:
        """Press a key of the reply keyboard, which sends its words as a message.

        In a group the client makes it a reply to the message that brought the keyboard, so that a bot with privacy
        mode sees it.
        """
        keyboard = chat.keyboards.get(person.id, {})
        if label not in labels_of(keyboard):
            raise ActRefused(f"no key {label!r} on the keyboard; there are {labels_of(keyboard)}")
        return self.send(person, chat, label, None if chat.kind == "private" else keyboard["message_id"])

    # ---- the bot's standing -----------------------------------------------------------------------------------------

    def block(self, person: Person) -> None:
        """Block the bot in the private chat."""
        self._stand(person, self.world.chats[person.id], "kicked")

    def unblock(self, person: Person) -> None:
        """Let the bot write again."""
        self._stand(person, self.world.chats[person.id], "member")

    def add_bot(self, person: Person, chat: Chat, payload: str | None = None, *, administrator: bool = False) -> None:
        """Put the bot into a group; with a payload, by `t.me/<bot>?startgroup=<payload>`."""
        self._require_member(person, chat)
        self._stand(person, chat, "administrator" if administrator else "member")
        self.service(chat, person, {"new_chat_members": [self.world.bot_json()]})
        if payload is not None:
            self.send(person, chat, f"/start@{self.world.bot_username} {payload}")

    def promote_bot(self, person: Person, chat: Chat, *, administrator: bool = True) -> None:
        """Make the bot an administrator of the group, who sees everything, or a plain member again."""
        self._require_member(person, chat)
        self._stand(person, chat, "administrator" if administrator else "member")

    def remove_bot(self, person: Person, chat: Chat) -> None:
        """Throw the bot out of a group."""
        self._require_member(person, chat)
        self._stand(person, chat, "kicked")
        self.service(chat, person, {"left_chat_member": self.world.bot_json()}, visible=False)

    def bot_leaves(self, chat: Chat) -> None:
        """The bot walks out of a group by itself."""
        before, chat.bot = chat.bot, "left"
        self._tell_standing(self.world.bot_json(), chat, before)
        self.service(chat, None, {"left_chat_member": self.world.bot_json()}, visible=False)

    def join(self, person: Person, chat: Chat, status: str = "member") -> None:
        """Become a member of a group."""
        chat.members[person.id] = status
        self.service(chat, person, {"new_chat_members": [person.json()]})
        self.world.emit("chat", chat=chat.id)

    def leave(self, person: Person, chat: Chat) -> None:
        """Leave a group."""
        self._require_member(person, chat)
        self.service(chat, person, {"left_chat_member": person.json()})
        del chat.members[person.id]
        self.world.emit("chat", chat=chat.id)

    def migrate(self, person: Person, chat: Chat) -> Chat:
        """Turn a group into a supergroup: a new chat id; both chats say so in a service message."""
        self._require_member(person, chat)
        if chat.kind != "group":
            raise ActRefused(f"only a group becomes a supergroup, not a {chat.kind}")
        new = self.world.add_group(chat.title, chat.members, supergroup=True)
        new.bot = chat.bot
        self.service(chat, person, {"migrate_to_chat_id": new.id})
        chat.migrated_to = new.id
        self.service(new, person, {"migrate_from_chat_id": chat.id})
        self.world.emit("chat", chat=chat.id)
        self.world.emit("chat", chat=new.id)
        return new

    def service(self, chat: Chat, person: Person | None, content: Json, *, visible: bool = True) -> Json:
        """A service message, which privacy mode does not hide. Without a person the bot is the cause."""
        message = self.world.post(chat, person.json() if person else self.world.bot_json(), content)
        if visible and chat.bot in ("member", "administrator"):
            self.world.updates.push("message", message)
        self.world.emit("message", chat=chat.id, message=message)
        return message

    def _stand(self, person: Person, chat: Chat, to: Standing) -> None:
        before, chat.bot = chat.bot, to
        if before != to:
            self._tell_standing(person.json(), chat, before)

    def _tell_standing(self, by: Json, chat: Chat, before: Standing) -> None:
        change: Json = {
            "chat": chat.json(),
            "from": by,
            "date": self.world.clock.seconds(),
            "old_chat_member": bot_member(self.world, before),
            "new_chat_member": bot_member(self.world, chat.bot),
        }
        self.world.updates.push("my_chat_member", change)
        self.world.emit("chat", chat=chat.id)


def _content(field: str, entity_field: str, text: str) -> Json:
    content: Json = {field: text}
    if found := detect(text):
        content[entity_field] = found
    return content


def labels_of(keyboard: Json) -> list[str]:
    """The words on the keys of a reply keyboard."""
    return [key["text"] for row in keyboard.get("keyboard", []) for key in row]


ADMINISTRATOR_RIGHTS = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": True,
    "can_manage_video_chats": False,
    "can_restrict_members": False,
    "can_promote_members": False,
    "can_change_info": False,
    "can_invite_users": True,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
}


MEMBER_FIELDS: dict[str, dict[str, Any]] = {
    "administrator": ADMINISTRATOR_RIGHTS,
    "creator": {"is_anonymous": False},
    "kicked": {"until_date": 0},
}


def member(user: Json, status: str) -> Json:
    """A `ChatMember` of the given status."""
    return {"status": status, "user": user, **MEMBER_FIELDS.get(status, {})}


def bot_member(world: World, standing: Standing) -> Json:
    """The bot as a `ChatMember`."""
    return member(world.bot_json(), "left" if standing == "never" else standing)
