"""What a request is answered with when it is refused: a status and one clear line."""

import math

from archive_colorizer.errors import ArchiveColorizerError


class RefusedError(ArchiveColorizerError):
    """A request cannot be answered as it was asked.

    Args:
        status: HTTP status.
        line: says why, to a person.
        needs: of 401, which proof is asked for: "password" or "token".
        retry_after_s: when to ask again; 0 for never.
    """

    def __init__(
        self, status: int, line: str, *, needs: str = "", retry_after_s: float = 0.0
    ) -> None:
        super().__init__(line)
        self.status = status
        self.needs = needs
        self.retry_after_s = retry_after_s

    @property
    def body(self) -> dict[str, str]:
        """The answer's JSON."""
        return {"error": str(self)} | ({"needs": self.needs} if self.needs else {})

    @property
    def headers(self) -> dict[str, str]:
        """The answer's own headers."""
        if not self.retry_after_s:
            return {}
        return {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
