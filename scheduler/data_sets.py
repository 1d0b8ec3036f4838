"""Shared data that departments upload on cycles of their own: duties that the rule book cannot list."""

from scheduler.frame import Frame
from scheduler.tables import DataSet
from store.errors import Refusal


def define_data_set(
    frame: Frame, *, code: str, title: str, item: str, period: str, due_working_day: int = 1
) -> DataSet:
    """Make one, to be assigned like a duty. ``period`` as in a rule book; due so many working days after it.

    Raises Refusal duty_exists, or item_not_owed unless data sets are owed under the item.
    """
    rulebooks = [frame.rulebook(year) for year in frame.years]
    if code in frame.data_sets or any(code in one.duties for one in rulebooks):
        raise Refusal("duty_exists", duty=code)
    if not any(item in one.items and one.items[item].owed == "data_set" for one in rulebooks):
        raise Refusal("item_not_owed", text=item)
    data_set = DataSet(code=code, title=title, item=item, period=period, due_working_day=due_working_day)
    frame.session.add(data_set)
    frame.session.flush()
    frame.data_sets[code] = data_set
    return data_set
