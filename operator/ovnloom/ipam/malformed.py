"""Text of a user that is not what its field wants."""


class Malformed(ValueError):  # a noun of the vocabulary, like Refused
    """A text that can't be read as the address, network, range or MAC that it should be.

    `part` is the offending piece as the user wrote it, `wrong` says what is wrong with it and `remedy` what to write
    instead. The caller knows the field's name and puts it in front: ``spec.cidrBlock {error}``.
    """

    def __init__(self, part: str, wrong: str, remedy: str) -> None:
        self.part = part if len(part) <= 100 else part[:97] + "..."
        self.wrong = wrong
        self.remedy = remedy
        super().__init__(f"{self.part!r} {wrong}; {remedy}")
