"""Files on the command line: the import form, exports, backups; and the doctor."""

import io
import json
import os
import sqlite3
import stat
import zipfile
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
import time_machine
from sqlmodel import select

from bot import backup, cli
from bot.opening import furnish, opened
from bot.settings import Settings
from scheduler.duties import assign_duty, obligation_for
from scheduler.frame import Frame
from scheduler.hand_ins import FileSent, files_of, hand_in
from scheduler.tables import DutyAssignment, Task
from scoring import casting, ledger, seats, surveys
from store import blobs, inbox, outbox, people, vitals
from store.db import open_engine, transaction
from store.drafts import opened as draft_opened
from store.invitations import Invitation
from store.people import Department
from store.proposals import Proposal

NOW = datetime(2021, 4, 6, 2, tzinfo=UTC)
"""The time that the command line reads off the machine."""
TOKEN = "123456:AAFakeTokenFakeTokenFakeTokenFakeToken"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with settings for an empty database and one administrator."""
    for name in list(os.environ):
        if name.startswith("KAOPING_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAOPING_DATABASE_URL", f"sqlite:///{tmp_path / 'kaoping.db'}")
    monkeypatch.setenv("KAOPING_ADMINS", "1001")
    with time_machine.travel(NOW, tick=False):
        yield tmp_path


@pytest.fixture
def engine(place):
    settings = Settings(_env_file=None, database_url=f"sqlite:///{place / 'kaoping.db'}", admins=frozenset({1001}))
    made = opened(settings, NOW)
    yield made
    made.dispose()


def call(capsys, *words):
    code = cli.invoke([str(word) for word in words])
    told = capsys.readouterr()
    return code, told.out, told.err


def filled_in(place, capsys, **sheets):
    """The form, with rows under the headings of its sheets."""
    path = place / "form.xlsx"
    assert call(capsys, "import", "--template", path)[0] == 0
    book = openpyxl.load_workbook(path)
    for title, rows in sheets.items():
        for row in rows:
            book[title].append(row)
    book.save(path)
    return path


DEPARTMENTS = [
    ["fin", "财政局", "局室公司", "否", "", "否", "财政", "2021/01/01", "2021/01/01", "2021/01/01"],
    ["gov", "政务服务局", "局室公司", "否", "", "是", "", "2021/01/01", "2021/01/01", ""],
]


def test_imports_departments_contacts_and_tasks(place, capsys):
    path = filled_in(
        place,
        capsys,
        部门=DEPARTMENTS,
        联系人=[["财政局", "张三", "联络员", "", ""], ["gov", "李四", "管理员", "", ""]],
        任务=[["fin", "daily.1", "压减企业开办时间", "王五", "一窗受理", "2021/12/31"]],
    )
    code, out, _ = call(capsys, "import", path, "--dry-run")
    assert code == 0
    assert "新增单位2个：财政局、政务服务局" in out
    assert "/start" not in out

    code, out, err = call(capsys, "import", path)
    assert (code, err) == (0, "")
    assert "分配报送事项5项" in out
    assert out.count("/start ") == 2
    engine = open_engine(os.environ["KAOPING_DATABASE_URL"])
    with transaction(engine) as session:
        assert [(one.code, one.office) for one in people.departments(session)] == [("fin", False), ("gov", True)]
        assert len(session.exec(select(DutyAssignment)).all()) == 5
        assert [one.title for one in session.exec(select(Task))] == ["压减企业开办时间"]
        assert {one.name for one in session.exec(select(Invitation))} == {"张三", "李四"}
    engine.dispose()

    code, out, err = call(capsys, "import", path)
    assert code == 2
    assert "与现有登记一致" in err


def test_a_file_moves_the_office_nowhere(place, capsys):
    assert call(capsys, "import", filled_in(place, capsys, 部门=DEPARTMENTS))[0] == 0
    (place / "form.xlsx").unlink()
    moved = [[*DEPARTMENTS[0][:5], "是", *DEPARTMENTS[0][6:]]]
    code, _, err = call(capsys, "import", filled_in(place, capsys, 部门=moved))
    assert code == 2
    assert "主办单位已经是政务服务局" in err


def test_a_file_undoes_no_merger(place, capsys):
    assert call(capsys, "import", filled_in(place, capsys, 部门=DEPARTMENTS))[0] == 0
    engine = open_engine(os.environ["KAOPING_DATABASE_URL"])
    with transaction(engine) as session:
        fin, gov = people.departments(session)
        fin.active, fin.successor_id, gov.aliases = False, gov.id, "财政局 财政"
    (place / "form.xlsx").unlink()
    code, _, err = call(capsys, "import", filled_in(place, capsys, 部门=DEPARTMENTS))
    assert code == 2
    assert "财政局已并入政务服务局，没有导入任何内容" in err
    (place / "form.xlsx").unlink()
    renamed = [*DEPARTMENTS[1][:6], "政务", *DEPARTMENTS[1][7:]]
    assert call(capsys, "import", filled_in(place, capsys, 部门=[renamed]))[0] == 0
    with transaction(engine) as session:
        assert [one.code for one in people.departments(session)] == ["gov"]
        # Who still says the old name means the new one.
        assert session.exec(select(Department.aliases).where(Department.code == "gov")).one() == "政务 财政局 财政"
    engine.dispose()


def test_the_name_of_what_was_merged_may_be_given_to_another(place, capsys):
    assert call(capsys, "import", filled_in(place, capsys, 部门=DEPARTMENTS))[0] == 0
    engine = open_engine(os.environ["KAOPING_DATABASE_URL"])
    with transaction(engine) as session:
        fin, gov = people.departments(session)
        fin.active, fin.successor_id, gov.aliases = False, gov.id, "财政局 财政"
    engine.dispose()
    renamed = [*DEPARTMENTS[1][:6], "政务", *DEPARTMENTS[1][7:]]
    for rows in ([renamed, ["new", *DEPARTMENTS[0][1:6], "", *DEPARTMENTS[0][7:]]], [[*renamed[:6], "", *renamed[7:]]]):
        (place / "form.xlsx").unlink()
        assert call(capsys, "import", filled_in(place, capsys, 部门=rows))[0] == 0
        assert json.loads(call(capsys, "score", "财政局", "--json")[1])["code"] == "new"
        assert json.loads(call(capsys, "score", "财政", "--json")[1])["code"] == "gov"


def test_a_department_that_comes_later_is_not_called_what_others_are(place, capsys):
    assert call(capsys, "import", filled_in(place, capsys, 部门=DEPARTMENTS))[0] == 0
    (place / "form.xlsx").unlink()
    later = ["com", "商务局", "局室公司", "否", "", "否", "商务", "2021/01/01", "", ""]
    assert call(capsys, "import", filled_in(place, capsys, 部门=[later]))[0] == 0
    code, out, _ = call(capsys, "score", "财政局", "--json")
    assert (code, json.loads(out)["code"]) == (0, "fin")


def test_nothing_is_taken_from_a_file_with_faults_and_each_is_named(place, capsys):
    path = filled_in(
        place,
        capsys,
        部门=[
            ["fin", "财政局", "局室公司", "", "", "", "", "2021/02/30", "", ""],
            ["gov", "政务服务局", "什么单位", "", "", "", "", "", "", ""],
        ],
        联系人=[["税务局", "张三", "联络员", "", ""]],
    )
    code, out, err = call(capsys, "import", path)
    assert (code, out) == (2, "")
    assert "没有导入任何内容" in err
    assert "〔部门〕H3：" in err
    assert "〔部门〕C4：" in err
    assert "〔联系人〕A3：" in err
    code, out, _ = call(capsys, "rank")
    assert "还没有录入单位" in out


def test_a_file_that_is_no_form_is_refused(place, capsys):
    for name, content in (("x.xlsx", b"PK\x03\x04broken"), ("x.pdf", b"%PDF-1.4"), ("x.txt", b"hello"), ("empty", b"")):
        (place / name).write_bytes(content)
        code, out, err = call(capsys, "import", place / name)
        assert (code, out) == (2, "")
        assert "没有导入任何内容" in err


def _came_in(engine):
    """One hand-in with a file, one in words."""
    now = NOW
    with transaction(engine) as session:
        unit = Department(code="fin", name="财政局", kind="bureau")
        session.add(unit)
        session.flush()
        person = people.met(session, 7, name="张三", username=None, now=now)
        frame = Frame.of(session)
        year = now.year
        for duty, period, files, text in (
            ("monthly_update", f"{year}-12", [FileSent("=cmd|calc.docx", "f1", "u1", 5, None)], None),
            ("quarterly_summary", f"{year}Q4", [], "全季工作总结正文"),
        ):
            assign_duty(frame, unit, duty, since=now.date(), now=now)
            owed = obligation_for(frame, unit, duty, period, now)
            done = hand_in(
                frame, owed, department_id=unit.id, sent_at=now, recorded_at=now, person_id=person.id,
                kind="file" if files else "text", channel="telegram", text=text, files=files,
            )  # fmt: skip
            for file in files_of(session, done.hand_in):
                file.blob = blobs.put(session, b"hello", now)
                session.add(file)
    return year


def test_exports_hand_ins_as_zip(place, engine, capsys):
    year = _came_in(engine)
    code, out, _ = call(capsys, "export", "材料", "--json")
    assert code == 0
    [file] = json.loads(out)["files"]
    with zipfile.ZipFile(place / file["name"]) as archive:
        names = archive.namelist()
        assert any(
            name.startswith("财政局/") and "正文" in archive.read(name).decode("utf-8-sig", "replace") for name in names
        )
        [kept] = [name for name in names if name.endswith("calc.docx")]
        assert archive.read(kept) == b"hello"
        assert all(".." not in name and not name.startswith("/") for name in names)
    code, out, err = call(capsys, "export", "材料", f"{year}-01")
    assert (code, "没有符合条件的报送材料" in err) == (2, True)


def test_exports_the_register_of_tasks(place, engine, capsys):
    with transaction(engine) as session:
        session.add(Department(code="fin", name="财政局", kind="bureau"))
    added = call(capsys, "task", "add", "fin", "daily.1", "2021-12-31", "=1+1", "--responsible", "李科长")
    assert added[0] == 0, added
    (place / "out").mkdir()
    code, out, err = call(capsys, "export", "任务", "--to", "out")
    assert (code, err) == (0, "")
    assert "共1项" in out
    (file,) = (place / "out").iterdir()
    assert file.name.endswith("任务清单.xlsx")
    sheet = openpyxl.load_workbook(file).worksheets[0]
    head, row = ([cell.value for cell in cells] for cells in sheet.iter_rows(min_row=4, max_row=5))
    shown = dict(zip(head, row, strict=True))
    assert (shown["责任部门"], shown["任务"], shown["责任人"]) == ("财政局", "=1+1", "李科长")
    assert (shown["完成时限"], shown["办理情况"]) == ("2021年12月31日（周五）24:00", "办理中")
    assert sheet.cell(5, head.index("任务") + 1).data_type != "f"


def test_exports_the_ledger_and_the_scores(place, engine, capsys):
    with transaction(engine) as session:
        session.add(Department(code="fin", name="=财政局", kind="bureau"))
    call(capsys, "deduct", "fin", "daily.7", "2", "=1+1")
    (place / "out").mkdir()
    for what in ("台账", "scores"):
        code, _, err = call(capsys, "export", what, "--to", "out")
        assert (code, err) == (0, "")
    [ledger_file], [scores_file] = ((place / "out").glob(f"*{kind}.xlsx") for kind in ("台账", "得分表"))
    sheet = openpyxl.load_workbook(io.BytesIO(ledger_file.read_bytes())).worksheets[0]
    cells = [cell.value for row in sheet.iter_rows() for cell in row]
    assert "=1+1" in cells
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row if cell.value == "=1+1")
    assert openpyxl.load_workbook(scores_file).worksheets[0].max_row >= 5


PASSING = [b"6 5.5 4 3.25 1", b"27.15 27.25", b"ballot 1", b"ballot 2"]
"""Scores on their way in and out, ballots from paper that are being entered and that wait for a second person."""


def on_the_way(session, person_id):
    """What a backup in the middle of a rating finds of it, beside the drafts."""
    message = {"chat": {"id": 1}, "text": PASSING[0].decode()}
    inbox.receive(session, [{"update_id": 1, "message": message}], NOW)
    said = {"text": PASSING[1].decode()}
    outbox.enqueue(
        session, chat_id=1, method="sendMessage", payload=said, lane=outbox.Lane.REPLY, now=NOW, sensitive=True
    )
    begun, waits = (f"blob:{blobs.put(session, one, NOW)} 现场票.xlsx" for one in PASSING[2:])
    data = {"verb": "survey paper", "texts": {"panel": "leaders", "file": begun}}
    draft_opened(session, person_id=person_id, chat_id=1, kind="verb", data=data, now=NOW)
    arguments = {"panel": "leaders", "file": waits}
    session.add(
        Proposal(
            verb="survey paper", arguments=arguments, proposed_by=person_id, proposed_at=NOW, needs="administrator",
            why="second_person",
        )
    )  # fmt: skip


def test_a_backup_is_a_database_of_its_own_without_drafts(place, engine, capsys):
    with transaction(engine) as session:
        session.add(Department(code="fin", name="财政局", kind="bureau"))
        person = people.met(session, 1001, name="甲", username=None, now=NOW)
        draft_opened(session, person_id=person.id, chat_id=1, kind="verb", data={"secret": "半张打分表"}, now=NOW)
        seat, _ = seats.enter(session, year=2021, panel="leaders", name="王主任")
        survey = surveys.open_survey(
            session, year=2021, panel="leaders", closes_at=NOW + timedelta(days=1), by=person, now=NOW
        )
        rated = casting.take_up(session, survey, seat, person, 1)
        rated.scores = {"1": {"total": "28.7654321"}}
        on_the_way(session, person.id)
    call(capsys, "deduct", "fin", "daily.7", "1", "理由")
    code, out, _ = call(capsys, "backup", "--to", "copy.db", "--json")
    assert code == 0
    made = json.loads(out)
    assert made["entries"] == 1
    assert stat.S_IMODE((place / "copy.db").stat().st_mode) == 0o600
    assert not list(place.glob("copy.db-*"))
    copied = (place / "copy.db").read_bytes()
    assert "半张打分表".encode() not in copied
    assert b"28.7654321" not in copied
    assert b"28.7654321" in b"".join(path.read_bytes() for path in place.glob("kaoping.db*"))
    assert not any(word in copied for word in PASSING)
    with sqlite3.connect(place / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM draft").fetchone() == (0,)

    os.environ["KAOPING_DATABASE_URL"] = f"sqlite:///{place / 'copy.db'}"
    _, out, _ = call(capsys, "score", "fin", "--json")
    assert json.loads(out)["daily"] == "37.00"
    code, _, err = call(capsys, "backup", "--to", "copy.db")
    assert (code, "已经存在" in err) == (2, True)
    code, out, _ = call(capsys, "backup")
    assert (code, "备份完成" in out) == (0, True)


def test_a_backup_of_postgresql_is_a_sqlite_file(postgres_url, tmp_path):
    engine = open_engine(postgres_url)
    with transaction(engine) as session:
        furnish(session, Settings(_env_file=None, admins=frozenset({1001})), datetime(2021, 1, 1, tzinfo=UTC))
        unit = Department(code="fin", name="财政局😀", kind="bureau")
        session.add(unit)
        session.flush()
        for number in range(5):
            ledger.post(
                session, department_id=unit.id, year=2021, item="daily.7", count=1,
                happened_at=datetime(2021, 3, number + 1, tzinfo=UTC), recorded_at=datetime(2021, 3, 9, tzinfo=UTC),
                recorded_by=None, source="admin", reason="理由",
            )  # fmt: skip
        head = ledger.verify(session)
    made = backup.back_up(engine, tmp_path / "copy.db")
    engine.dispose()
    assert (made.entries, made.hash) == head
    copy = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    with transaction(copy) as session:
        assert [one.name for one in people.departments(session)] == ["财政局😀"]
    copy.dispose()


def test_the_doctor_names_what_is_wrong_and_never_the_token(place, capsys, monkeypatch):
    monkeypatch.setenv("KAOPING_TOKEN", TOKEN)
    monkeypatch.setenv("KAOPING_API_BASE", "http://127.0.0.1:9")
    (place / ".env").write_text("KAOPING_LOG=text\n", encoding="utf-8")
    (place / ".env").chmod(0o644)
    code, out, err = call(capsys, "doctor")
    assert code == 1
    assert "http://127.0.0.1:9 不能访问" in out
    assert "chmod 600" in out
    assert "还没有建立" in out
    assert TOKEN not in out + err
    assert not (place / "kaoping.db").exists()


def test_the_doctor_looks_into_the_database(place, engine, capsys):
    with transaction(engine) as session:
        session.add(Department(code="fin", name="财政局", kind="bureau"))
    code, out, _ = call(capsys, "doctor", "--json")
    codes = {one["code"]: one["level"] for one in json.loads(out)["findings"]}
    assert codes["whole"] == "ok"
    assert codes["ledger_whole"] == "ok"
    assert codes["departments_unreachable"] == "warning"
    assert codes["never_ran"] == "warning"
    assert codes["no_token"] == "fault"
    assert code == 1


def test_the_doctor_sees_that_time_stands_still_and_forgets_what_is_long_over(place, engine, capsys):
    now = NOW
    with transaction(engine) as session:
        vitals.contact(session, now - timedelta(minutes=1), drained=True)
        vitals.set_last_tick(session, now - timedelta(minutes=2))
    codes = [one["code"] for one in json.loads(call(capsys, "doctor", "--json")[1])["findings"]]
    assert "running" in codes
    assert "stuck" not in codes
    with transaction(engine) as session:
        vitals.set_last_tick(session, now - timedelta(minutes=20))
        inbox.receive(session, [{"update_id": 1}, {"update_id": 2}], now)
        for number, days in ((1, 31), (2, 1)):
            row = inbox.claim(session, number)
            inbox.failed(session, row, "broken", tries=1, now=now - timedelta(days=days))
    told = {one["code"]: one["facts"] for one in json.loads(call(capsys, "doctor", "--json")[1])["findings"]}
    assert told["dead_letters"]["count"] == 1
    assert "stuck" in told
    assert "到期的提醒、扣分和评议没有办成" in call(capsys, "doctor")[1]


def test_the_doctor_finds_a_damaged_database(place, capsys):
    (place / "kaoping.db").write_bytes(b"nonsense" * 1000)
    code, out, _ = call(capsys, "doctor")
    assert code == 1
    assert "数据库不能使用" in out
