"""Where Telegram refuses a message, an edit or a keyboard, in its own words."""

import pytest

from sandbox.client import RawClient
from sandbox.facade import PersonView, Sandbox

GONE_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
SAME = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


@pytest.fixture
async def li(sandbox: Sandbox) -> PersonView:
    """Somebody who has pressed START."""
    person = sandbox.person("李四")
    await person.start()
    return person


def inline(*buttons: dict[str, str]) -> dict[str, object]:
    return {"inline_keyboard": [list(buttons)]}


async def test_a_message_has_1_to_4096_utf16_units_after_parsing(http: RawClient, li: PersonView) -> None:
    assert await http.refusal("sendMessage", chat_id=li.id, text="") == "Bad Request: message text is empty"
    assert await http.refusal("sendMessage", chat_id=li.id, text=" \n") == "Bad Request: text must be non-empty"
    assert await http.refusal("sendMessage", chat_id=li.id, text="<b></b>", parse_mode="HTML") == (
        "Bad Request: text must be non-empty"
    )
    long = "考" * 4096
    assert (await http.result("sendMessage", chat_id=li.id, text=long))["text"] == long
    assert await http.refusal("sendMessage", chat_id=li.id, text=long + "评") == "Bad Request: message is too long"
    assert await http.refusal("sendMessage", chat_id=li.id, text="😀" * 2049) == "Bad Request: message is too long"
    marked = f"<b>{long}</b>"
    assert (await http.result("sendMessage", chat_id=li.id, text=marked, parse_mode="HTML"))["text"] == long


async def test_white_space_around_a_message_goes_and_entities_move_along(http: RawClient, li: PersonView) -> None:
    sent = await http.result("sendMessage", chat_id=li.id, text="\n <b> 得分 </b>39 \n", parse_mode="HTML")
    assert sent["text"] == "得分 39"
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 3}]


async def test_markup_that_does_not_parse(http: RawClient, li: PersonView) -> None:
    assert await http.refusal("sendMessage", chat_id=li.id, text="<b>x", parse_mode="HTML") == (
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    )
    assert await http.refusal("sendMessage", chat_id=li.id, text="x", parse_mode="BBCode") == (
        "Bad Request: unsupported parse_mode"
    )
    assert li.from_bot == []


async def test_who_cannot_be_written_to(http: RawClient, sandbox: Sandbox) -> None:
    stranger, met = sandbox.person("生人"), sandbox.person("群友")
    await sandbox.group("群", [met]).add_bot()
    assert await http.refusal("sendMessage", text="x") == "Bad Request: chat_id is empty"
    assert await http.refusal("sendMessage", chat_id=12, text="x") == "Bad Request: chat not found"
    assert await http.refusal("sendMessage", chat_id=stranger.id, text="x") == "Bad Request: chat not found"
    assert await http.refusal("sendMessage", chat_id=met.id, text="x") == (
        "Forbidden: bot can't initiate conversation with a user"
    )
    await met.start()
    await http.result("sendMessage", chat_id=met.id, text="x")
    await met.block()
    assert await http.refusal("sendMessage", chat_id=met.id, text="x") == "Forbidden: bot was blocked by the user"
    await met.unblock()
    met.person.deactivated = True
    assert await http.refusal("sendMessage", chat_id=met.id, text="x") == "Forbidden: user is deactivated"


@pytest.mark.parametrize(
    ("button", "why"),
    [
        ({"text": "好", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "好", "callback_data": "考" * 22}, "BUTTON_DATA_INVALID"),
        ({"text": "好", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "", "callback_data": "x"}, "inline keyboard button text must be non-empty"),
        ({"text": "好"},
         "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"text": "好", "url": "不是链接"}, "inline keyboard button URL '不是链接' is invalid: Wrong HTTP URL"),
        ({"callback_data": "x"}, 'can\'t parse inline keyboard button: Can\'t find field "text"'),
    ],
)  # fmt: skip
async def test_buttons_that_are_refused(http: RawClient, li: PersonView, button: dict[str, str], why: str) -> None:
    refused = await http.refusal("sendMessage", chat_id=li.id, text="x", reply_markup=inline(button))
    assert refused == f"Bad Request: {why}"
    assert li.from_bot == []


async def test_callback_data_of_64_bytes_passes_and_100_buttons_do(http: RawClient, li: PersonView) -> None:
    data = "考" * 21 + "x"
    await http.result(
        "sendMessage", chat_id=li.id, text="x", reply_markup=inline({"text": "好", "callback_data": data})
    )
    row = [{"text": "好", "callback_data": "x"}] * 5
    many = {"inline_keyboard": [row] * 20}
    await http.result("sendMessage", chat_id=li.id, text="x", reply_markup=many)
    refused = await http.refusal("sendMessage", chat_id=li.id, text="x", reply_markup={"inline_keyboard": [row] * 21})
    assert refused == "Bad Request: reply markup is too long"


async def test_edits_need_a_change_and_a_message_that_can_be_edited(http: RawClient, li: PersonView) -> None:
    keys = inline({"text": "好", "callback_data": "x"})
    sent = await http.result("sendMessage", chat_id=li.id, text="<b>一</b>", parse_mode="HTML", reply_markup=keys)
    same = {"chat_id": li.id, "message_id": sent["message_id"], "text": "<b>一</b>", "parse_mode": "HTML"}
    assert await http.refusal("editMessageText", **same, reply_markup=keys) == SAME
    bare = await http.result("editMessageText", **same)
    assert "reply_markup" not in bare
    assert "edit_date" in bare
    assert await http.refusal("editMessageText", **same) == SAME
    assert (await http.result("editMessageText", **{**same, "text": "二"}))["text"] == "二"
    assert (await http.result("editMessageReplyMarkup", **same, reply_markup=keys))["reply_markup"] == keys
    assert await http.refusal("editMessageReplyMarkup", **same, reply_markup=keys) == SAME
    assert await http.refusal("editMessageText", **{**same, "message_id": 999}) == (
        "Bad Request: message to edit not found"
    )
    assert await http.refusal("editMessageCaption", **same, caption="x") == (
        "Bad Request: there is no caption in the message to edit"
    )
    assert await http.refusal("editMessageText", **{**same, "message_id": li.messages[0].id}) == (
        "Bad Request: message can't be edited"
    )
    board = {"keyboard": [["零报告"]]}
    with_board = await http.result("sendMessage", chat_id=li.id, text="键盘", reply_markup=board)
    assert await http.refusal("editMessageText", **{**same, "message_id": with_board["message_id"]}) == (
        "Bad Request: message can't be edited"
    )


async def test_captions_have_at_most_1024_units_and_are_edited_as_such(http: RawClient, li: PersonView) -> None:
    file = ("document", "表.csv", b"1,2")
    await http.upload("sendDocument", *file, chat_id=li.id, caption="注" * 1024)
    refused = await http.upload("sendDocument", *file, chat_id=li.id, caption="注" * 1025)
    assert refused.description == "Bad Request: message caption is too long"
    sent = li.from_bot[-1]
    edited = await http.result(
        "editMessageCaption", chat_id=li.id, message_id=sent.id, caption="<i>改</i>", parse_mode="HTML"
    )
    assert edited["caption"] == "改"
    assert await http.refusal("editMessageText", chat_id=li.id, message_id=sent.id, text="x") == (
        "Bad Request: there is no text in the message to edit"
    )
    assert sent.file_name == "表.csv"


async def test_deleting(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    sent = await http.result("sendMessage", chat_id=li.id, text="一")
    assert await http.result("deleteMessage", chat_id=li.id, message_id=sent["message_id"]) is True
    assert await http.refusal("deleteMessage", chat_id=li.id, message_id=sent["message_id"]) == (
        "Bad Request: message to delete not found"
    )
    old = await http.result("sendMessage", chat_id=li.id, text="旧")
    sandbox.advance(hours=48, seconds=1)
    assert await http.refusal("deleteMessage", chat_id=li.id, message_id=old["message_id"]) == (
        "Bad Request: message can't be deleted for everyone"
    )
    group = sandbox.group("群", [li])
    await group.add_bot()
    said = await li.send("/x", chat=group)
    assert await http.refusal("deleteMessage", chat_id=group.id, message_id=said.id) == (
        "Bad Request: message can't be deleted"
    )


async def test_replies(http: RawClient, li: PersonView) -> None:
    first = li.messages[0]
    sent = await http.result("sendMessage", chat_id=li.id, text="回", reply_parameters={"message_id": first.id})
    assert sent["reply_to_message"]["message_id"] == first.id
    assert await http.refusal("sendMessage", chat_id=li.id, text="回", reply_parameters={"message_id": 999}) == (
        "Bad Request: message to be replied not found"
    )
    loose = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await http.result("sendMessage", chat_id=li.id, text="回", reply_parameters=loose)


async def test_a_tap_is_answered_once_and_soon(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    await http.result(
        "sendMessage", chat_id=li.id, text="一", reply_markup=inline({"text": "已知悉", "callback_data": "k:1"})
    )
    tap = await li.tap(li.from_bot[-1], "已知悉")
    (*_, update) = await http.result("getUpdates")
    query = update["callback_query"]
    assert query["data"] == "k:1"
    assert query["message"]["reply_markup"]
    assert "date" not in query
    assert await http.refusal("answerCallbackQuery", callback_query_id=query["id"], text="长" * 201) == (
        "Bad Request: MESSAGE_TOO_LONG"
    )
    await http.result("answerCallbackQuery", callback_query_id=query["id"], text="好", show_alert=True)
    assert await tap.answered() == "好"
    assert tap.alert
    assert await http.refusal("answerCallbackQuery", callback_query_id=query["id"]) == GONE_OLD
    assert await http.refusal("answerCallbackQuery", callback_query_id="1") == GONE_OLD
    late = await li.tap(li.from_bot[-1], "k:1")
    sandbox.advance(hours=1)
    assert await http.refusal("answerCallbackQuery", callback_query_id=late.query.id) == GONE_OLD


async def test_menus_by_scope(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    await http.result("setMyCommands", commands=[{"command": "help", "description": "帮助"}])
    await http.result(
        "setMyCommands",
        commands=[{"command": "score", "description": "得分"}],
        scope={"type": "chat", "chat_id": li.id},
    )
    other = sandbox.person("王五")
    await other.start()
    assert (li.menu, other.menu) == (["score"], ["help"])
    await http.result("deleteMyCommands", scope={"type": "chat", "chat_id": li.id})
    assert li.menu == ["help"]
    assert await http.refusal("setMyCommands", commands=[{"command": "得分", "description": "x"}]) == (
        "Bad Request: BOT_COMMAND_INVALID"
    )
    assert await http.refusal("setMyCommands", commands=[{"command": "Score", "description": "x"}]) == (
        "Bad Request: BOT_COMMAND_INVALID"
    )
    assert await http.refusal("setMyCommands", commands=[{"command": "x", "description": ""}]) == (
        "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"
    )
    nowhere = {"type": "chat", "chat_id": 5}
    assert await http.refusal("setMyCommands", commands=[], scope=nowhere) == "Bad Request: chat not found"


async def test_a_reply_keyboard_is_shown_until_it_is_used_or_removed(http: RawClient, li: PersonView) -> None:
    board = {"keyboard": [["零报告", "稍后"]], "one_time_keyboard": True, "resize_keyboard": True}
    sent = await http.result("sendMessage", chat_id=li.id, text="请选", reply_markup=board)
    assert "reply_markup" not in sent
    assert li.keys == ["零报告", "稍后"]
    pressed = await li.press("零报告")
    assert pressed.text == "零报告"
    assert li.keys == []
    await http.result("sendMessage", chat_id=li.id, text="请选", reply_markup={"keyboard": [[{"text": "再来"}]]})
    await li.press("再来")
    assert li.keys == ["再来"]
    await http.result("sendMessage", chat_id=li.id, text="完", reply_markup={"remove_keyboard": True})
    assert li.keys == []
