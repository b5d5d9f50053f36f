"""What goes wrong in a sandbox, in words for the person who runs it."""


class SandboxError(Exception):
    """The message says what is wrong and what to do; it is shown without a traceback."""


class NotReadyError(SandboxError):
    """A server ended, or didn't answer in time."""


class CommandError(SandboxError):
    """A client command (kubectl, ovn-nbctl, …) ended with another code than 0; `stderr` is what it said."""

    def __init__(self, command: str, code: int, stderr: str) -> None:
        super().__init__(f"{command} ended with code {code}: {stderr.strip()}")
        self.code = code
        self.stderr = stderr
