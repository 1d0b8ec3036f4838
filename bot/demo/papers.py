"""Papers for the sample zone to hand in: a Word document, and a 双公示 ledger in the layout of the rule book."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from xml.sax.saxutils import escape

import xlsxwriter

from scheduler.layouts import Layout

_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_TYPES}"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}" Target="word/document.xml"/></Relationships>'
    ),
}
_DOCUMENT = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'
_MOMENT = (2021, 1, 1, 0, 0, 0)
"""Every file inside the archives carries this moment, so that the same paper has the same bytes."""


def document(*paragraphs: str) -> bytes:
    """A .docx of plain paragraphs."""
    body = "".join(f"<w:p><w:r><w:t>{escape(each)}</w:t></w:r></w:p>" for each in paragraphs)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in {**_PARTS, "word/document.xml": _DOCUMENT.format(body)}.items():
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{xml}')
    return buffer.getvalue()


def ledger(layout: Layout, department: str, month: date, *, faulty: bool = False) -> bytes:
    """A 双公示 ledger (.xlsx) of one month: one permit on the first sheet of the layout, the others empty.

    A faulty one has a credit code with a wrong digit and a decision published too late.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"created": datetime(*_MOMENT, tzinfo=UTC)})
        for number, table in enumerate(layout.tables):
            sheet = book.add_worksheet(table.title)
            titles = [column.title for column in table.columns] + (["公示日期"] if table.published else [])
            sheet.write_row(0, 0, titles)
            sheet.set_column(0, len(titles) - 1, 18)
            if number == 0:
                filled = _permit(department, month, faulty=faulty)
                sheet.write_row(1, 0, [filled.get(title.partition("(")[0], "") for title in titles])
    return buffer.getvalue()


def _permit(department: str, month: date, *, faulty: bool) -> dict[str, str]:
    decided = month.replace(day=11)
    published = decided + timedelta(days=40 if faulty else 5)
    return {
        "行政相对人名称": "吉林市松江新材料有限公司",
        "行政相对人类别": "法人及非法人组织",
        "行政相对人代码_1": "91220201MA0Y3XAX19" if faulty else "91220201MA0Y3XAX15",
        "法定代表人": "于海",
        "行政许可决定文书名称": "准予行政许可决定书",
        "行政许可决定文书号": f"吉经开许〔{month.year}〕{month.month}号",
        "许可类别": "普通",
        "许可内容": "准予按申报内容开展经营活动",
        "许可决定日期": decided.isoformat(),
        "有效期自": decided.isoformat(),
        "有效期至": decided.replace(year=decided.year + 3).isoformat(),
        "许可机关": f"吉林经济技术开发区{department}",
        "许可机关统一社会信用代码": "11220201013556470U",
        "当前状态": "有效",
        "数据来源单位": f"吉林经济技术开发区{department}",
        "数据来源单位统一社会信用代码": "11220201013556470U",
        "公示日期": published.isoformat(),
    }
