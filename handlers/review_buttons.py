"""What may be done about a department's request, a review or a claim: the buttons under the lists that verbs show."""

from typing import Any

import templates
from handlers import keyboards
from scheduler.appeal_commands import AppealList, AppealShown
from scoring.claim_commands import ClaimList

MOST = 8
"""Buttons of one sort under a list; what is further down is named by its number."""

Rows = list[list[dict[str, str]]]


def under(result: Any) -> Rows:
    """The rows of buttons under a verb's result; none for what is no request."""
    if isinstance(result, ClaimList):
        return _of_claims(result)
    if isinstance(result, AppealList):
        return _of_list(result)
    return _of_thread(result) if isinstance(result, AppealShown) else []


def _of_list(result: AppealList) -> Rows:
    asking = [
        keyboards.button(
            templates.word("button_appeal_this", title=one.entry.reason or one.entry.title, number=one.entry.number),
            "appeal",
            one.entry.number,
        )
        for one in result.may_ask[:MOST]
    ]
    reading = [
        keyboards.button(templates.word("button_appeal_read", number=one.number), "appeal_show", one.number)
        for one in result.appeals[:MOST]
    ]
    return [*([one] for one in asking), *(reading[start : start + 3] for start in range(0, len(reading), 3))]


def _of_thread(result: AppealShown) -> Rows:
    rows: Rows = []
    actions = [("appeal_files", any(one.file_name for one in result.thread))]
    if result.state == "open":
        actions += [("appeal_more", result.yours), ("appeal_back", result.yours)]
        actions += [("appeal_accept", result.decides), ("appeal_reject", result.decides)]
    offered = [name for name, fits in actions if fits]
    for start in range(0, len(offered), 3):
        three = offered[start : start + 3]
        rows.append([keyboards.button(templates.word(f"button_{name}"), name, result.number) for name in three])
    return rows


def _of_claims(result: ClaimList) -> Rows:
    rows: Rows = []
    for one in result.claims[:MOST] if result.everyone else ():
        deciding = [(action, action == "claim_grant") for action in ("claim_grant", "claim_refuse")]
        rows.append(
            [
                keyboards.button(
                    templates.word("button_claim_this", number=one.number, grant=grant), action, one.number
                )
                for action, grant in deciding
            ]
        )
    several = len(result.own) > 1
    for place, name in enumerate(result.own):
        label = templates.word("button_claim_add", department=name if several else "")
        rows.append([keyboards.button(label, "claim_add", place)])
    return rows


def of_own(number: int) -> keyboards.Keyboard:
    """Under the receipt of a request that is open: add to it, or take it back."""
    actions = [("appeal_more", str(number)), ("appeal_back", str(number))]
    return keyboards.worded(actions) or keyboards.inline()
