"""Groups: what privacy mode hides, coming and going, migration, deep links."""

import pytest

from sandbox.acts import Upload
from sandbox.client import RawClient
from sandbox.errors import ActRefused
from sandbox.facade import GroupView, PersonView, Sandbox


@pytest.fixture
def li(sandbox: Sandbox) -> PersonView:
    return sandbox.person("李四")


@pytest.fixture
async def group(sandbox: Sandbox, li: PersonView) -> GroupView:
    """A group with the bot in it, whose updates so far are read."""
    group = sandbox.group("财政局工作群", [li, sandbox.person("王五")])
    await group.add_bot()
    sandbox.world.updates.waiting.clear()
    return group


async def seen(http: RawClient) -> list[str]:
    """What the bot is shown of messages, and reads."""
    updates = await http.result("getUpdates")
    if updates:
        await http.result("getUpdates", offset=updates[-1]["update_id"] + 1)
    return [update["message"].get("text") or update["message"].get("caption") or "" for update in updates]


async def test_privacy_mode_shows_commands_mentions_and_replies_only(
    http: RawClient, sandbox: Sandbox, li: PersonView, group: GroupView
) -> None:
    await li.send("大家好", chat=group)
    await li.send("/score", chat=group)
    await li.send("/score@kaoping_bot", chat=group)
    await li.send("/score@other_bot", chat=group)
    await li.send("说 /score", chat=group)
    await li.send("@kaoping_bot 财政局", chat=group)
    await li.send("@KaoPing_Bot 财政局", chat=group)
    await li.send("@other_bot 财政局", chat=group)
    assert await seen(http) == ["/score", "/score@kaoping_bot", "@kaoping_bot 财政局", "@KaoPing_Bot 财政局"]
    asked = await http.result("sendMessage", chat_id=group.id, text="请报送")
    await li.send("收到", chat=group, reply_to=group.message(asked["message_id"]))
    other = await li.send("别的", chat=group)
    await li.send("回别的", chat=group, reply_to=other)
    await li.send_document("一.pdf", b"1", chat=group)
    await li.send_album([Upload("一.pdf", b"1"), Upload("二.pdf", b"2")], caption="@kaoping_bot 三月", chat=group)
    await li.send_document("三.pdf", b"3", chat=group, reply_to=group.message(asked["message_id"]))
    assert await seen(http) == ["收到", "@kaoping_bot 三月", ""]
    await group.promote_bot()
    await http.result("getUpdates", offset=-1)
    sandbox.world.updates.waiting.clear()
    await li.send("现在都看得到", chat=group)
    assert await seen(http) == ["现在都看得到"]


async def test_without_privacy_mode_everything_is_seen(
    http: RawClient, sandbox: Sandbox, li: PersonView, group: GroupView
) -> None:
    sandbox.world.privacy = False
    await li.send("大家好", chat=group)
    assert await seen(http) == ["大家好"]
    assert (await http.result("getMe"))["can_read_all_group_messages"] is True


async def test_coming_and_going_are_told(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    group = sandbox.group("群", [li])
    assert await http.refusal("sendMessage", chat_id=group.id, text="x") == "Bad Request: chat not found"
    await group.add_bot(payload="bind_1")
    added, service, command = await http.result("getUpdates")
    change = added["my_chat_member"]
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("left", "member")
    assert change["from"]["id"] == li.id
    assert service["message"]["new_chat_members"][0]["username"] == "kaoping_bot"
    assert command["message"]["text"] == "/start@kaoping_bot bind_1"
    await group.remove_bot()
    *_, removed = await http.result("getUpdates")
    assert removed["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert await http.refusal("sendMessage", chat_id=group.id, text="x") == (
        "Forbidden: bot was kicked from the group chat"
    )
    await group.add_bot()
    assert await http.result("leaveChat", chat_id=group.id) is True
    assert await http.refusal("sendMessage", chat_id=group.id, text="x") == (
        "Forbidden: bot is not a member of the group chat"
    )


async def test_migration_answers_with_the_new_id(http: RawClient, li: PersonView, group: GroupView) -> None:
    new = await group.migrate()
    assert str(new.id).startswith("-100")
    away, here = await http.result("getUpdates")
    assert (away["message"]["chat"]["id"], away["message"]["migrate_to_chat_id"]) == (group.id, new.id)
    assert (here["message"]["chat"]["id"], here["message"]["migrate_from_chat_id"]) == (new.id, group.id)
    refused = await http.call("sendMessage", chat_id=group.id, text="x")
    assert refused.description == "Bad Request: group chat was upgraded to a supergroup chat"
    assert refused.body["parameters"] == {"migrate_to_chat_id": new.id}
    sent = await http.result("sendMessage", chat_id=new.id, text="到了")
    assert sent["chat"]["type"] == "supergroup"
    with pytest.raises(ActRefused, match="supergroup"):
        await li.send("还在", chat=group)


async def test_members_and_administrators(http: RawClient, sandbox: Sandbox, li: PersonView, group: GroupView) -> None:
    guest = sandbox.person("客人")

    async def status(user: int) -> str:
        return str((await http.result("getChatMember", chat_id=group.id, user_id=user))["status"])

    assert (await status(li.id), await status(guest.id), await status(7_000_000_001)) == ("creator", "left", "member")
    await group.join(guest)
    assert await status(guest.id) == "member"
    assert await http.result("getChatMemberCount", chat_id=group.id) == 4
    leads = await http.result("getChatAdministrators", chat_id=group.id)
    assert [each["user"]["id"] for each in leads] == [li.id]
    await group.leave(guest)
    assert await status(guest.id) == "left"
    assert await http.refusal("getChatMember", chat_id=group.id, user_id=4) == "Bad Request: user not found"
    with pytest.raises(ActRefused, match="not in"):
        await guest.send("还在", chat=group)


async def test_a_selective_keyboard_is_for_who_is_replied_to(
    http: RawClient, sandbox: Sandbox, li: PersonView, group: GroupView
) -> None:
    said = await li.send("/x", chat=group)
    board = {"keyboard": [["零报告"]], "selective": True}
    await http.result(
        "sendMessage", chat_id=group.id, text="请选", reply_markup=board, reply_parameters={"message_id": said.id}
    )
    assert group.keyboard(li.id) == ["零报告"]
    assert group.keyboard(sandbox.person("王五").id) == []


async def test_deep_links(http: RawClient, sandbox: Sandbox, li: PersonView) -> None:
    await li.start("https://t.me/kaoping_bot?start=Ab_-9")
    assert await seen(http) == ["/start Ab_-9"]
    with pytest.raises(ActRefused, match="1 to 64"):
        await li.start("a" * 65)
    with pytest.raises(ActRefused, match="1 to 64"):
        await li.start("中文")
    await li.block()
    with pytest.raises(ActRefused, match="blocked"):
        await li.send("x")
    await li.start()
    assert sandbox.world.chats[li.id].bot == "member"


async def test_only_buttons_that_are_there_can_be_tapped(http: RawClient, li: PersonView) -> None:
    await li.start()
    keys = {"inline_keyboard": [[{"text": "好", "callback_data": "ok"}, {"text": "页", "url": "https://example.com"}]]}
    await http.result("sendMessage", chat_id=li.id, text="一", reply_markup=keys)
    message = li.from_bot[-1]
    for wrong in ("坏", "页"):
        with pytest.raises(ActRefused, match="no button"):
            await li.tap(message, wrong)
    with pytest.raises(ActRefused, match="no key"):
        await li.press("零报告")
    forged = await li.forge(message, "deduct:1")
    assert forged.query.data == "deduct:1"
