"""Whether the parts of a rule book fit together: points that add up, codes that exist, grades without a gap."""

from collections.abc import Iterable, Mapping

from scoring.lateness import LatenessRule
from scoring.points import plain
from scoring.rulebook import Block, Item, RuleBook
from scoring.sheet import PENDING
from scoring.tomltable import Fault


def check(rulebook: RuleBook) -> None:
    """Raises ``tomltable.Fault`` for the first thing that does not fit."""
    _check_clauses(rulebook)
    for item in rulebook.items.values():
        _check_item(rulebook, item)
    _check_groups(rulebook)
    for block in rulebook.blocks.values():
        _check_block(rulebook, block)
    _check_panels(rulebook)
    _check_sums(rulebook)
    _check_grades(rulebook)
    _check_consequences(rulebook)
    for duty in rulebook.duties.values():
        item = rulebook.items[duty.item]
        if item.kind != "deduction":
            raise Fault(f"duty {duty.code}, item", f"{item.code} is no deduction")
        _check_lateness(rulebook, item, duty.lateness, f"duty {duty.code}")
    _check_reminders(rulebook)
    _check_rating(rulebook)


def _check_clauses(rulebook: RuleBook) -> None:
    for assumption in rulebook.assumptions:
        if assumption.clause is not None and assumption.clause not in rulebook.clauses:
            raise Fault(f"{assumption.place}, clause", f"there is no clause {assumption.clause}")


def _check_item(rulebook: RuleBook, item: Item) -> None:
    place = f"item {item.code}"
    if item.kind == "veto":
        if item.grade not in {grade.code for grade in rulebook.grades}:
            raise Fault(f"veto {item.code}, grade", f"there is no grade {item.grade}")
        return
    block = rulebook.blocks.get(item.block or "")
    if block is None:
        raise Fault(f"{place}, block", f"there is no block {item.block}")
    if block.role == "annual":
        raise Fault(f"{place}, block", f"{block.code} is made of panels, not of items")
    if block.role == "bonus" and item.points < 0:
        raise Fault(f"{place}, points", f"{plain(item.points)} in {block.code}, where points are only earned")
    if not item.points:
        raise Fault(f"{place}, points", "0 points")
    _check_cap(rulebook, item.cap, item.cap_by_class, item.cap_words, place)
    _check_known_classes(rulebook, item.multipliers, f"{place}, multipliers")
    for code, multiplier in item.multipliers.items():
        if (item.points * multiplier).denominator != 1:
            raise Fault(f"{place}, multipliers, {code}", "gives figures finer than 1/10,000 point")
    if item.lateness is not None:
        if item.kind != "deduction":
            raise Fault(f"{place}, owed", "what is owed must be a deduction")
        _check_lateness(rulebook, item, item.lateness, place)


def _check_lateness(rulebook: RuleBook, item: Item, rule: LatenessRule, place: str) -> None:
    """Every class of units must be charged whole units, whenever it hands in."""
    for unit_class in (None, *rulebook.classes):
        weight = item.weight(unit_class)
        if any(weight * amount % rule.base for amount in (*rule.by_day, rule.after)):
            raise Fault(f"{place}, lateness", f"gives figures finer than 1/10,000 point for class {unit_class}")


def _check_groups(rulebook: RuleBook) -> None:
    seen: dict[str, str] = {}
    for group in rulebook.groups.values():
        place = f"group {group.code}"
        members = []
        for code in group.items:
            if code not in rulebook.items or rulebook.items[code].kind == "veto":
                raise Fault(f"{place}, items", f"unknown item {code}")
            if code in seen:
                raise Fault(f"{place}, items", f"{code} is in group {seen[code]} already")
            seen[code] = group.code
            members.append(rulebook.items[code])
        if len({(item.block, item.sign) for item in members}) > 1:
            raise Fault(f"{place}, items", "are not all of one block, or not all earned or all lost")
        _check_cap(rulebook, group.cap, group.cap_by_class, group.cap_words, place)
        if not group.highest_only and group.cap is None and not group.cap_by_class:
            raise Fault(place, "has neither cap nor highest_only")


def _check_block(rulebook: RuleBook, block: Block) -> None:
    place = f"block {block.code}"
    _check_known_classes(rulebook, block.cap_by_class, place)
    _check_known_classes(rulebook, block.start_by_class, place)
    if block.role == "annual":
        return
    items = [item for item in rulebook.items.values() if item.block == block.code]
    signs = {item.sign for item in items}
    for unit_class in (None, *rulebook.classes):
        start, cap, floor = block.start_for(unit_class), block.cap_for(unit_class), block.floor
        if (cap is not None and start > cap) or (floor is not None and start < floor):
            raise Fault(f"{place}, start", f"{plain(start)} is not between its floor and its full points")
        if block.role == "daily" and 1 not in signs and start != cap:
            raise Fault(
                f"{place}, start", f"{plain(start)}: nothing in it is earned, so its full points cannot be reached"
            )
    if -1 in signs and block.floor is not None and not block.floor_words:
        raise Fault(f"{place}, floor_words", "missing")
    if 1 in signs and block.cap is not None and not block.cap_words:
        raise Fault(f"{place}, cap_words", "missing")


def _check_panels(rulebook: RuleBook) -> None:
    for panel in rulebook.panels.values():
        place = f"panel {panel.code}"
        block = rulebook.blocks.get(panel.block)
        if block is None or block.role != "annual":
            raise Fault(f"{place}, block", f"{panel.block} is no block of panels")
        _check_known_classes(rulebook, panel.weight_by_class, f"{place}, weight_by_class")
        for unit_class in (None, *rulebook.classes):
            weight = panel.weight_for(unit_class)
            if any((weight * aspect.share).denominator != 1 for aspect in rulebook.aspects):
                raise Fault(f"{place}, weight", "the aspects' shares of it are finer than 1/10,000 point")
        codes = [tier.code for tier in panel.tiers]
        if len(set(codes)) != len(codes):
            raise Fault(f"{place}, tier", "a tier stands there twice")
        if codes and all(tier.share is None for tier in panel.tiers):
            raise Fault(f"{place}, tier", "all tiers are left out")
    shares = sum(aspect.share for aspect in rulebook.aspects)
    if rulebook.aspects and shares != 1:
        raise Fault("aspect", f"the shares make {float(shares * 100):g} per cent, not 100")


def _check_sums(rulebook: RuleBook) -> None:
    for unit_class in (None, *rulebook.classes):
        whose = f" for class {unit_class}" if unit_class else ""
        for block in rulebook.blocks.values():
            if block.role == "annual":
                weights = [
                    panel.weight_for(unit_class) for panel in rulebook.panels.values() if panel.block == block.code
                ]
                _check_sum(weights, block.cap_for(unit_class) or 0, f"block {block.code}", f"panels{whose}")
        blocks = [block.cap_for(unit_class) or 0 for block in rulebook.blocks.values() if block.role != "bonus"]
        _check_sum(blocks, rulebook.full, "scheme, full", f"blocks{whose}")


def _check_sum(parts: Iterable[int], whole: int, place: str, name: str) -> None:
    parts = list(parts)
    if sum(parts) != whole:
        told = " + ".join(map(plain, parts)) or "0"
        raise Fault(place, f"points do not add up: {name} {told} make {plain(sum(parts))}, not {plain(whole)}")


def _check_grades(rulebook: RuleBook) -> None:
    if not rulebook.grades:
        raise Fault("grade", "missing")
    for grade in rulebook.grades:
        if grade.code == PENDING:
            raise Fault(f"grade {grade.code}", "the word is kept for what is still open")
        if grade.at_least is not None and grade.below is not None and grade.at_least >= grade.below:
            raise Fault(f"grade {grade.code}", "at_least is not less than below")
    top, bottom = rulebook.grades[0], rulebook.grades[-1]
    if top.below is not None:
        raise Fault(f"grade {top.code}, below", f"totals of {plain(top.below)} and more have no grade")
    if bottom.at_least is not None:
        raise Fault(f"grade {bottom.code}, at_least", f"totals below {plain(bottom.at_least)} have no grade")
    for upper, lower in zip(rulebook.grades, rulebook.grades[1:], strict=False):
        if upper.at_least is None or lower.below is None or upper.at_least < lower.below:
            raise Fault(f"grade {lower.code}", f"overlaps grade {upper.code}")
        if upper.at_least > lower.below:
            gap = f"totals from {plain(lower.below)} to below {plain(upper.at_least)} have no grade"
            raise Fault(f"grade {lower.code}, below", gap)


def _check_consequences(rulebook: RuleBook) -> None:
    for one in rulebook.consequences.values():
        if one.grade is not None and one.grade not in {grade.code for grade in rulebook.grades}:
            raise Fault(f"consequence {one.code}, grade", f"there is no grade {one.grade}")


def _check_reminders(rulebook: RuleBook) -> None:
    reminders = rulebook.reminders
    if not reminders.rungs:
        raise Fault("reminders, rung", "missing")
    order = [(-rung.working_days_before, rung.at) for rung in reminders.rungs]
    if order != sorted(set(order)):
        raise Fault("reminders, rung", "the reminders do not stand in the order in which they go out")
    if reminders.office_from >= reminders.office_to:
        raise Fault("reminders, office_to", "not later than office_from")
    for at in (*(rung.at for rung in reminders.rungs), reminders.after_at):
        if not reminders.office_from <= at < reminders.office_to:
            raise Fault("reminders", f"a reminder at {at:%H:%M} is outside office hours")


def _check_rating(rulebook: RuleBook) -> None:
    rating = rulebook.rating
    if rating.step <= 0:
        raise Fault("rating, step", "score buttons cannot all be the same")
    order = [(-rung.working_days_before, rung.at) for rung in rating.rungs]
    if order != sorted(set(order)):
        raise Fault("rating, rung", "the reminders do not stand in the order in which they go out")
    rule = rating.dissatisfied
    if rule is None:
        return
    if rule.panel not in rulebook.panels:
        raise Fault("rating, dissatisfied, panel", f"there is no panel {rule.panel}")
    item = rulebook.items.get(rule.item)
    if item is None or item.kind != "deduction":
        raise Fault("rating, dissatisfied, item", f"{rule.item} is no deduction")


def _check_cap(rulebook: RuleBook, cap: int | None, by_class: Mapping[str, int], words: str, place: str) -> None:
    _check_known_classes(rulebook, by_class, f"{place}, cap_by_class")
    if (cap is not None or by_class) and not words:
        raise Fault(f"{place}, cap_words", "missing")


def _check_known_classes(rulebook: RuleBook, by_class: Mapping[str, object], place: str) -> None:
    for code in by_class:
        if code not in rulebook.classes:
            raise Fault(place, f"there is no class {code}")
