"""Coming in by invitation, handing over, leaving and coming back; menus by role."""

from typing import TYPE_CHECKING

from sqlmodel import Session, select

from sandbox.facade import PersonView
from store import invitations, people
from store.db import transaction
from store.people import Appointment, Department, Person, Role

if TYPE_CHECKING:
    from tests.handlers.conftest import Office


def invited(
    office: "Office", role: Role, department: str | None = None, name: str = "", replaces: PersonView | None = None
) -> str:
    """The token of a fresh invitation."""

    def make(session: Session) -> str:
        by = people.person_of(session, office.admin.id)
        unit = session.exec(select(Department).where(Department.code == department)).first()
        old = None
        if replaces is not None:
            holder = people.person_of(session, replaces.id)
            assert holder is not None
            old = people.appointments_of(session, holder)[0]
        assert by is not None
        now = office.sandbox.clock.now()
        token, _ = invitations.invite(session, role=role, department=unit, name=name, by=by, now=now, replaces=old)
        return token

    with transaction(office.engine) as session:
        return make(session)


async def test_who_comes_without_an_invitation_is_told_how_to_get_in(office: "Office") -> None:
    stranger = office.sandbox.person("路人<b>")
    await stranger.start()
    answer = await stranger.hear("邀请链接")
    assert str(stranger.id) in answer.text
    assert stranger.menu == ["start"]


async def test_an_invitation_lets_one_person_in_once(office: "Office") -> None:
    token = invited(office, Role.LIAISON, "com", name="孙<六>&😀")
    newcomer = office.sandbox.person("sun liu")
    await newcomer.start(token)
    welcome = await newcomer.hear("登记完成")
    assert "孙<六>&😀，您好。登记完成：您是商务局联络员。" in welcome.text
    assert "已登记为商务局联络员" in (await office.admin.hear("孙<六>")).text
    await office.settled()
    assert {"submit", "score", "help"} <= set(newcomer.menu)
    assert "deduct" not in newcomer.menu

    await newcomer.start(token)
    await newcomer.hear("已经用这个链接登记过")
    another = office.sandbox.person("别人")
    await another.start(token)
    await another.hear("已经使用过")
    assert office.read(lambda session: people.person_of(session, another.id)) is None


async def test_links_that_do_not_work_say_what_to_do(office: "Office") -> None:
    expired = invited(office, Role.LIAISON, "fin")
    revoked = invited(office, Role.LIAISON, "fin")
    with transaction(office.engine) as session:
        for one in invitations.waiting(session, office.sandbox.clock.now()):
            if one.token_hash == invitations._hash(revoked):
                invitations.revoke(session, one, office.sandbox.clock.now())
    newcomer = office.sandbox.person("迟到")
    await newcomer.start(revoked)
    await newcomer.hear("已经撤销")
    await newcomer.start("AAAAAAAAAAAAAAAAAAAAAA")
    await newcomer.hear("邀请链接无效")
    office.sandbox.advance(days=8)
    await office.settled()
    await newcomer.start(expired)
    await newcomer.hear("2021年4月2日08:00过期")


async def test_one_person_may_hold_several_offices(office: "Office") -> None:
    await office.liaison.start(invited(office, Role.LIAISON, "com"))
    await office.liaison.hear("登记完成")
    await office.liaison.start()
    home = await office.liaison.hear("您的身份")
    assert "财政局联络员、商务局联络员" in home.text
    await office.at("04-02 09:00")
    await office.liaison.send_document("总结.docx", b"...", caption="一季度总结")
    question = await office.liaison.hear("请问是哪一项")
    assert question.labels == ["财政局2021年第一季度工作总结", "商务局2021年第一季度工作总结", "不是报送"]
    await office.liaison.send_document("总结.docx", b"...", caption="商务局一季度总结")
    await office.liaison.hear("已收到：商务局 2021年第一季度工作总结")


async def test_a_handover_cuts_off_the_old_liaison_and_keeps_the_history(office: "Office") -> None:
    await office.at("03-26 09:00")
    await office.liaison.send_document("动态.docx", b"...", caption="3月工作动态")
    await office.liaison.hear("已收到")
    successor = office.sandbox.person("孙六")
    await successor.start(invited(office, Role.LIAISON, "fin", replaces=office.liaison))
    assert "原任 张三 的登记已同时终止" in (await successor.hear("登记完成")).text
    await office.liaison.hear("您的财政局联络员登记已经终止，由 孙六 接任")
    await office.liaison.send_document("总结.docx", b"...", caption="一季度总结")
    await office.liaison.hear("联络员已经变更")
    await successor.send_document("总结.docx", b"...", caption="一季度总结")
    await successor.hear("已收到")
    assert len(office.hand_ins()) == 2
    ended = office.read(
        lambda session: session.exec(
            select(Appointment).join(Person).where(Person.telegram_id == office.liaison.id)
        ).one()
    )
    assert ended.until is not None


async def test_who_blocks_the_bot_is_not_written_to_until_he_comes_back(office: "Office") -> None:
    await office.liaison.block()
    await office.settled()
    await office.at("03-26 09:00")
    await office.head.hear("报送提醒")
    await office.liaison.unblock()
    await office.settled()
    await office.at("03-30 09:00")
    await office.liaison.hear("报送提醒")


async def test_menus_follow_the_roles(office: "Office") -> None:
    await office.settled()
    assert "deduct" in office.admin.menu
    assert "submit" not in office.admin.menu
    assert "submit" in office.head.menu


async def test_chinese_words_work_like_commands(office: "Office") -> None:
    for said in ("帮助", "／帮助", "Ｈｅｌｐ", "/help"):
        await office.liaison.send(said)
        await office.liaison.hear("您的身份：财政局联络员")
    await office.at("03-26 09:00")
    for said in ("报送", "现在报送", "/submit"):
        await office.liaison.send(said)
        await office.liaison.hear("请选择要报送的事项")
    await office.liaison.send("已交")
    status = await office.liaison.hear("待报")
    assert "待报：2021年3月工作动态，截止2021年4月2日（周五）24:00" in status.text


async def test_a_dismissed_person_s_menu_shrinks_at_once(office: "Office") -> None:
    await office.admin.send("免去 张三 联络员")
    await office.admin.tap(await office.admin.hear("请核对"), "确认")
    told = await office.liaison.hear("身份已经终止：财政局联络员")
    assert "考评管理员" in told.text
    await office.settled()
    assert office.liaison.menu == ["start"]
    assert "pending" in office.other.menu


async def test_marks_of_direction_in_a_name_are_left_out(office: "Office") -> None:
    token = invited(office, Role.LIAISON, "com", name="\u202e孙六\u2066\u200b")
    stranger = office.sandbox.person("x")
    await stranger.start(token)
    await stranger.hear("孙六")
    await office.liaison.send_document("总结\u202excod.docx", b"...", caption="工作总结 一季度")
    await office.liaison.hear("已收到")
    assert office.files()[-1].name == "总结xcod.docx"
    assert office.read(lambda session: session.exec(select(Person.name).order_by(Person.id)).all())[-1] == "孙六"
