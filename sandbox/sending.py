"""The Bot API's methods that make, change and take away messages."""

from typing import Any

from sandbox.entities import Entity, detect, parse_html, utf16_length
from sandbox.errors import ApiError, bad_request, forbidden
from sandbox.images import photo_sizes, picture_size
from sandbox.limits import Limits
from sandbox.markup import read_inline_markup, read_markup
from sandbox.params import Params, Part
from sandbox.world import BOT_ID, Chat, Json, World

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LARGEST_UPLOAD = 50 * 1024 * 1024
LARGEST_PHOTO = 10 * 1024 * 1024
DELETABLE_SECONDS = 48 * 3600
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
UPGRADED = "group chat was upgraded to a supergroup chat"


class Sending:
    """Sending, editing and deleting, on one world."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.world = world
        self.limits = limits

    # ---- who may be written to --------------------------------------------------------------------------------------

    def chat_of(self, params: Params, name: str = "chat_id") -> Chat:
        """The chat a request names. 400 for one that does not exist or that the bot cannot know."""
        if params.values.get(name) in (None, ""):
            raise bad_request("chat_id is empty")
        chat = self.world.chats.get(params.integer(name))
        if chat is None or (chat.bot == "never" and not (chat.kind == "private" and self.world.met(chat.id))):
            raise bad_request("chat not found")
        return chat

    def writable(self, params: Params) -> Chat:
        """The chat to write to; raises what Telegram answers where the bot may not."""
        chat = self.chat_of(params)
        if chat.migrated_to is not None:
            raise ApiError(400, f"Bad Request: {UPGRADED}", migrate_to_chat_id=chat.migrated_to)
        if chat.kind == "private":
            if self.world.people[chat.id].deactivated:
                raise forbidden("user is deactivated")
            if chat.bot == "kicked":
                raise forbidden("bot was blocked by the user")
            if chat.bot == "never":
                raise forbidden("bot can't initiate conversation with a user")
        elif chat.bot == "kicked":
            raise forbidden(f"bot was kicked from the {chat.kind} chat")
        elif chat.bot not in ("member", "administrator"):
            raise forbidden(f"bot is not a member of the {chat.kind} chat")
        return chat

    def _granted(self, chat: Chat) -> None:
        self.limits.take(chat.id, group=chat.kind != "private")

    # ---- words ------------------------------------------------------------------------------------------------------

    def _words(self, params: Params, name: str, source: str | None = None) -> tuple[str, list[Entity]]:
        """Text or caption with its entities: `parse_mode` HTML, or explicit entities, or neither."""
        text = params.text(name) if source is None else source
        mode = params.text("parse_mode").lower()
        if mode not in ("", "html"):
            raise bad_request("unsupported parse_mode")
        utf16_length(text)
        given: list[Entity]
        if mode:
            text, given = parse_html(text)
            given = [self._named(entity) for entity in given]
        else:
            given = params.json("entities" if name == "text" else "caption_entities") or []
        return _trimmed(text, given)

    def _named(self, entity: Entity) -> Entity:
        if "user_id" not in entity:
            return entity
        person = self.world.people.get(entity["user_id"])
        kept = {key: value for key, value in entity.items() if key != "user_id"}
        return {
            **kept,
            "user": person.json() if person else {"id": entity["user_id"], "is_bot": False, "first_name": ""},
        }

    def _text(self, params: Params) -> Json:
        if not params.text("text"):
            raise bad_request("message text is empty")
        text, entities = self._words(params, "text")
        if not text:
            raise bad_request("text must be non-empty")
        if utf16_length(text) > LONGEST_TEXT:
            raise bad_request("message is too long")
        return {"text": text, "entities": entities} if entities else {"text": text}

    def _caption(self, params: Params, source: str | None = None) -> Json:
        caption, entities = self._words(params, "caption", source)
        if utf16_length(caption) > LONGEST_CAPTION:
            raise bad_request("message caption is too long")
        if not caption:
            return {}
        return {"caption": caption, "caption_entities": entities} if entities else {"caption": caption}

    # ---- sending ----------------------------------------------------------------------------------------------------

    def send_message(self, params: Params) -> Json:
        """`sendMessage`."""
        chat = self.writable(params)
        return self._send(chat, params, self._text(params))

    def send_document(self, params: Params) -> Json:
        """`sendDocument`: by upload or by the id of a file that is there already."""
        chat = self.writable(params)
        return self._send(
            chat, params, {**self._document(params, params.text("document"), "document"), **self._caption(params)}
        )

    def send_photo(self, params: Params) -> Json:
        """`sendPhoto`: PNG, JPEG, GIF or WebP up to 10 MB, or the id of one that is there already."""
        chat = self.writable(params)
        return self._send(chat, params, {**self._photo(params, params.text("photo"), "photo"), **self._caption(params)})

    def send_media_group(self, params: Params) -> list[Json]:
        """`sendMediaGroup` of 2 to 10 documents or photos."""
        chat = self.writable(params)
        media = params.json("media")
        if not isinstance(media, list) or not 2 <= len(media) <= 10:
            raise bad_request("there must be 2 to 10 media in the album")
        contents = [self._medium(params, item) for item in media]
        if len({"photo" in content for content in contents}) > 1:
            raise bad_request("document can't be mixed with other media types")
        album = {"media_group_id": str(13_000_000_000_000_000 + self.world.serial())}
        return self._send_all(chat, params, [{**album, **content} for content in contents])

    def _send(self, chat: Chat, params: Params, content: Json) -> Json:
        return self._send_all(chat, params, [content])[0]

    def _send_all(self, chat: Chat, params: Params, contents: list[Json]) -> list[Json]:
        """All messages of one request, or none; one grant serves them."""
        markup = read_markup(params)
        common = self._reply(chat, params)
        if markup and "inline_keyboard" in markup:
            common["reply_markup"] = markup
        if params.boolean("protect_content"):
            common["has_protected_content"] = True
        self._granted(chat)
        sent = [self.world.post(chat, self.world.bot_json(), {**common, **content}) for content in contents]
        for message in sent:
            chat.sends.append(message["message_id"])
            if markup and "inline_keyboard" not in markup:
                self._hand_out(chat, message, markup)
            self.world.emit("message", chat=chat.id, message=message)
        return sent

    def _reply(self, chat: Chat, params: Params) -> Json:
        given = params.json("reply_parameters") or {}
        message_id = given.get("message_id") or params.integer("reply_to_message_id")
        if not message_id:
            return {}
        quoted = self.world.quoted(chat, int(message_id))
        if quoted is not None:
            return {"reply_to_message": quoted}
        if given.get("allow_sending_without_reply") or params.boolean("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found")

    def _hand_out(self, chat: Chat, message: Json, markup: Json) -> None:
        """Show or remove a reply keyboard. A selective one is for who is replied to or mentioned."""
        chat.uneditable.add(message["message_id"])
        audience = set(chat.members)
        if markup.get("selective") and chat.kind != "private":
            named = {entity["user"]["id"] for entity in message.get("entities", []) if entity["type"] == "text_mention"}
            author = message.get("reply_to_message", {}).get("from", {}).get("id")
            audience &= {*named, author}
        for person_id in audience:
            chat.keyboards.pop(person_id, None)
            if "keyboard" in markup:
                chat.keyboards[person_id] = {**markup, "message_id": message["message_id"]}
        self.world.emit("keyboard", chat=chat.id, keyboards=chat.keyboards)

    # ---- files ------------------------------------------------------------------------------------------------------

    def _upload(self, params: Params, value: str, name: str, *, photo: bool) -> Part | None:
        """The upload a field stands for: under its own name, or as `attach://…`. None for a file id."""
        part = params.uploads.get(value.removeprefix("attach://") if value.startswith("attach://") else name)
        if part is None:
            if value.startswith("attach://"):
                raise bad_request("can't find file in the request")
            if not value:
                raise bad_request(f"there is no {name} in the request")
            if "://" in value:
                raise bad_request("failed to get HTTP URL content")
            if value not in self.world.files:
                raise bad_request("wrong file identifier/HTTP URL specified")
            if self.world.files[value].is_photo is not photo:
                raise bad_request("type of file mismatch")
            return None
        if not part.data:
            raise bad_request("file must be non-empty")
        if len(part.data) > LARGEST_UPLOAD:
            raise ApiError(413, "Request Entity Too Large")
        return part

    def _document(self, params: Params, value: str, name: str) -> Json:
        part = self._upload(params, value, name, photo=False)
        stored = self.world.store(part.name, part.mime, part.data, "documents") if part else self.world.files[value]
        return {"document": stored.document()}

    def _photo(self, params: Params, value: str, name: str) -> Json:
        part = self._upload(params, value, name, photo=True)
        data = part.data if part else self.world.files[value].data
        if len(data) > LARGEST_PHOTO:
            raise bad_request(
                f"file of size {len(data)} bytes is too big for a photo; the maximum size is {LARGEST_PHOTO} bytes"
            )
        size = picture_size(data)
        if size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if sum(size) > 10_000 or max(size) > 20 * min(size):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        stored = self.world.store(part.name, part.mime, part.data, "photos") if part else self.world.files[value]
        return {"photo": photo_sizes(stored, size)}

    def _medium(self, params: Params, item: Any) -> Json:
        if not isinstance(item, dict) or item.get("type") not in ("photo", "document"):
            raise bad_request("can't parse InputMedia: media type is not supported")
        value = str(item.get("media", ""))
        content = (self._photo if item["type"] == "photo" else self._document)(params, value, "media")
        words = Params({name: item[name] for name in ("caption", "parse_mode", "caption_entities") if name in item})
        return {**content, **self._caption(words)}

    # ---- changing ---------------------------------------------------------------------------------------------------

    def edit_text(self, params: Params) -> Json:
        """`editMessageText`."""
        chat, message = self._editable(params)
        if "text" not in message:
            raise bad_request("there is no text in the message to edit")
        return self._change(chat, message, self._text(params), ("text", "entities"), read_inline_markup(params))

    def edit_caption(self, params: Params) -> Json:
        """`editMessageCaption`."""
        chat, message = self._editable(params)
        if "text" in message:
            raise bad_request("there is no caption in the message to edit")
        content = self._caption(params)
        return self._change(chat, message, content, ("caption", "caption_entities"), read_inline_markup(params))

    def edit_markup(self, params: Params) -> Json:
        """`editMessageReplyMarkup`."""
        chat, message = self._editable(params)
        return self._change(chat, message, {}, (), read_inline_markup(params))

    def edit_media(self, params: Params) -> Json:
        """`editMessageMedia`."""
        chat, message = self._editable(params)
        replaced = ("photo", "document", "caption", "caption_entities", "text", "entities")
        content = self._medium(params, params.json("media"))
        return self._change(chat, message, content, replaced, read_inline_markup(params))

    def _editable(self, params: Params) -> tuple[Chat, Json]:
        chat = self.writable(params)
        if not params.integer("message_id"):
            raise bad_request("message identifier is not specified")
        message = chat.messages.get(params.integer("message_id"))
        if message is None:
            raise bad_request("message to edit not found")
        if message["from"]["id"] != BOT_ID or message["message_id"] in chat.uneditable:
            raise bad_request("message can't be edited")
        return chat, message

    def _change(self, chat: Chat, message: Json, content: Json, replaced: tuple[str, ...], markup: Json | None) -> Json:
        kept = {key: value for key, value in message.items() if key not in (*replaced, "reply_markup", "edit_date")}
        edited = {**kept, **content, **({"reply_markup": markup} if markup else {})}
        if edited == {key: value for key, value in message.items() if key != "edit_date"}:
            raise bad_request(NOT_MODIFIED)
        self._granted(chat)
        edited["edit_date"] = self.world.clock.seconds()
        chat.messages[edited["message_id"]] = edited
        chat.sends.append(edited["message_id"])
        self.world.emit("message", chat=chat.id, message=edited)
        return edited

    # ---- taking away ------------------------------------------------------------------------------------------------

    def delete_message(self, params: Params) -> bool:
        """`deleteMessage`, up to 48 hours: the bot's own, and those of others in private chats or as administrator."""
        chat = self.writable(params)
        message = chat.messages.get(params.integer("message_id"))
        if message is None:
            raise bad_request("message to delete not found")
        if message["from"]["id"] != BOT_ID and chat.kind != "private" and chat.bot != "administrator":
            raise bad_request("message can't be deleted")
        if self.world.clock.seconds() - message["date"] > DELETABLE_SECONDS:
            raise bad_request("message can't be deleted for everyone")
        del chat.messages[message["message_id"]]
        self.world.emit("deleted", chat=chat.id, message_id=message["message_id"])
        return True


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the white space around it, which Telegram takes off; entities move along."""
    body = text.strip()
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    if body == text:
        return text, detect(text, entities)
    length = utf16_length(body)
    moved = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, length)
        if end > start:
            moved.append({**entity, "offset": start, "length": end - start})
    return body, detect(body, moved)
