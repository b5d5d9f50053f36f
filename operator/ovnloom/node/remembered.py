"""What a part depended on when it was last right: most Nodes that change, change nothing for it."""

from __future__ import annotations


class Remembered:
    """Facts of the last success, until somebody changes this host behind the part's back."""

    def __init__(self) -> None:
        self._identical: tuple[object, ...] = ()
        self._equal: tuple[object, ...] = ()
        self._is_good = False
        self._forgotten = 0

    def forget(self) -> None:
        """This host may be different by now, whatever the cluster says."""
        self._is_good = False
        self._forgotten += 1

    @property
    def moment(self) -> int:
        """To be taken before this host is looked at, and given to `keep`."""
        return self._forgotten

    def is_same(self, identical: tuple[object, ...], equal: tuple[object, ...] = ()) -> bool:
        """Whether nothing differs: the first are the very same objects, the second are equal."""
        return (
            self._is_good
            and len(identical) == len(self._identical)
            and all(one is other for one, other in zip(identical, self._identical, strict=True))
            and equal == self._equal
        )

    def keep(self, moment: int, identical: tuple[object, ...], equal: tuple[object, ...] = ()) -> None:
        """All is right for these facts, unless something was forgotten since that moment."""
        self._identical, self._equal = identical, equal
        self._is_good = moment == self._forgotten
