"""The names and one-line helps of all verbs, so that ``kaoping --help`` need not load the rooms (about a second).

``tests/test_commands_agree.py`` fails where this and the registry differ.
"""

VERBS: dict[str, str] = {
    "invite": "Make a personal link for one role, good once; with --replaces, a handover that cuts off the old holder.",
    "revoke": "Make a link useless that nobody has used yet.",
    "dismiss": "End a person's roles, or one of them. What was done in them stays in the history.",
    "people": "Who holds which role, who cannot be reached, and which links still wait.",
    "office": "Name the department that runs the assessment: its administrators decide nothing of its own alone.",
    "merge": (
        "Let a department go into another: it owes nothing more and is not ranked; its history stays, and is theirs."
    ),
    "audit": "Latest administrative acts: who did what, when, from where, and what came of it.",
    "proposals": "What waits for a second person, and who that may be. Member units see their own.",
    "score": "Score of a department, with every line behind it.",
    "rank": "Departments in order of their total or daily score.",
    "deduct": "Enter a deduction. Member units propose it; an administrator confirms.",
    "bonus": "Enter a bonus. For a media report the reason is its title: the same title twice is asked about.",
    "veto": "Fail a department for the year. Takes two administrators: one proposes, another confirms.",
    "reverse": "Take an entry back by a linked reversal. What took two administrators takes two again.",
    "verify": (
        "Check the ledger's hash chain from its first entry to its head, or a frozen result's file, figure by figure."
    ),
    "rules show": (
        "Show a rule book in words: each figure with its clause, every assumption. Without a name, the current one."
    ),
    "rules check": "Check a rule book; a faulty one is refused by line or key.",
    "calendar": "A year's days off and days worked instead, and whether they are announced or estimated.",
    "calendar load": (
        "Load a year's holiday notice (JSON: year, papers, days with date and isOffDay); what was held for it settles."
    ),
    "post": "Post the monthly summary now: of a month such as 2021-03, or of the latest that is settled.",
    "duty": "Which duties departments owe, and from when.",
    "duty assign": "Have a department owe a duty for the periods that end on a day or later (default: today).",
    "duty define": (
        "Define shared data with a cycle of its own, due so many working days after each (default: 1); then assign it."
    ),
    "duty end": "Have a department owe a duty no longer for periods that end after a day (default: today).",
    "task": "Supervised matters and key tasks, with dates and last progress. Departments see their own.",
    "task board": (
        "What is open, overdue and returned, by item and by department, with date, responsible person and progress."
    ),
    "task show": "One task with all its progress, hand-ins, dates moved and returns. Departments see their own.",
    "task add": "Have a department owe something once, with its date, the person responsible and the measures.",
    "task amend": "Put right who is responsible, the measures or the title of a task; its date is moved by ``extend``.",
    "task close": "Register that a task was done, at its real time (default: now), with evidence.",
    "pending": "Who has not handed in what, and who cannot be reached. Departments see their own.",
    "remind": "Remind a department now of all it owes; without a name, every department that owes something.",
    "receive": "Register what reached the office by OA, on paper or by WeChat, at its real time, with evidence.",
    "return": "Return what was handed in as inadequate, to be corrected by a date; its timeliness stands.",
    "extend": "Move a deadline; what a passed one brought is taken back if the new one is met or still to come.",
    "exempt": "Let a department off an obligation: a deduction for it is reversed, a hold ends.",
    "held": "What waits for a decision, and why.",
    "held decide": "Decide a hold: enter the deduction, dated at the deadline, or exempt the obligation.",
    "import": (
        "Departments with duties, contacts, raters and tasks from the filled-in form; with a fault, nothing is taken."
    ),
    "survey": "How far each panel's rating has come: invited, started, submitted. Never who gave what.",
    "survey open": "Open the rating by one panel until a deadline; raters hear of it in office hours.",
    "survey links": (
        "Make new personal links for the places of a panel that nobody has taken; earlier links of them stop working."
    ),
    "survey assistant": (
        "Make a link for somebody who does everything for a rater: fetches the form, hands in the paper."
    ),
    "survey move": "Move the deadline of a panel's rating; those who have not submitted are told.",
    "survey remind": "Remind now whoever has not submitted; leaders themselves never, their assistants.",
    "survey close": (
        "End a panel's rating now: what was submitted before counts, and it is counted once all of that has been read."
    ),
    "survey raters": "Who rates in which panel, who has not come in, who has not submitted. Never what anybody gave.",
    "survey end": (
        "Take a place off the roll: it rates no more. What it has submitted stays, for nobody can tell which it was."
    ),
    "survey paper": (
        "Enter ballots from paper out of the filled-in form, without names; a second one confirms. The file is erased."
    ),
    "claim": "Bonus claims that wait for a decision. Departments see all of their own.",
    "claim grant": "Grant a claim: the bonus is entered, under another item if one is named.",
    "claim refuse": "Refuse a claim, with a reason that the department is told.",
    "appeal": (
        "Requests for review that are open. Departments see their own, and what they may still ask to have reviewed."
    ),
    "appeal show": (
        "One request for review: the entry, what was said and sent, and what became of it. It stays readable."
    ),
    "freeze": "Freeze a year's result for approval; what is not settled stands in the way, unless a reason is given.",
    "approve paper": (
        "Record the leading group's approval from its minutes or a signed sheet: number, date, scan. A second confirms."
    ),
    "publish": "Publish the approved result of a year; the same obstacles stand in the way as before the freeze.",
    "results": (
        "How far a year's result has come: frozen, approved by whom, published, or void and why; what is in the way."
    ),
    "results show": "A frozen result in full, from its own file: every department with its figures, vetoes and rank.",
    "results past": "Enter a department's result of a year before the first that was published here.",
    "rules diff": (
        "What a changed rule book would do to every score and grade of a year that is not frozen. Nothing is changed."
    ),
    "export": (
        "Files: hand-ins as zip (of a period), ledger, scores or tasks as xlsx, a published result with all papers."
    ),
    "backup": (
        "Copy the database into one file beside it, checked after writing; restore by pointing the settings at it."
    ),
}

IN_CHAT_ONLY = frozenset({"approve", "confirm", "refuse", "appeal decide", "claim add"})
"""Verbs that take a second person: the command line knows them only to say so."""
