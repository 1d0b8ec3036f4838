"""How the rooms say no to a person."""


class Refusal(Exception):
    """Something a person asked for cannot be done, and the person can do something about it.

    ``code`` picks the sentence in ``templates/refusals.j2``; ``facts`` fill it in. Chat and command line show the same
    sentence.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code
