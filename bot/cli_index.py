"""The names and one-line helps of all verbs, so that ``kaoping --help`` need not load the rooms (about a second).

``tests/test_commands_agree.py`` fails where this and the registry differ.
"""

VERBS: dict[str, str] = {
    "invite": "Make a personal link for one role, good once; with --replaces, a handover that cuts off the old holder.",
    "revoke": "Make a link useless that nobody has used yet.",
    "dismiss": "End a person's roles, or one of them. What was done in them stays in the history.",
    "people": "Who holds which role, who cannot be reached, and which links still wait.",
    "office": "Name the department that runs the assessment: its administrators decide nothing of its own alone.",
    "audit": "Latest administrative acts: who did what, when, from where, and what came of it.",
    "proposals": "What waits for a second person, and who that may be. Member units see their own.",
    "score": "Score of a department, with every line behind it.",
    "rank": "Departments in order of their total or daily score.",
    "deduct": "Enter a deduction. Member units propose it; an administrator confirms.",
    "bonus": "Enter a bonus. For a media report the reason is its title: the same title twice is asked about.",
    "veto": "Fail a department for the year. Takes two administrators: one proposes, another confirms.",
    "reverse": "Take an entry back by a linked reversal. What took two administrators takes two again.",
    "verify": "Check the ledger's hash chain from its first entry to its head, and name the first break.",
    "rules show": (
        "Show a rule book in words: each figure with its clause, every assumption. Without a name, the current one."
    ),
    "rules check": "Check a rule book; a faulty one is refused by line or key.",
}
