"""The refusals of the Bot API, in Telegram's own words: clients tell cases apart by them."""


class ApiError(Exception):
    """A request Telegram refuses. `code` is HTTP status and `error_code`; `parameters` go beside the description."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(what: str) -> ApiError:
    """400 with Telegram's prefix."""
    return ApiError(400, f"Bad Request: {what}")


def forbidden(what: str) -> ApiError:
    """403 with Telegram's prefix."""
    return ApiError(403, f"Forbidden: {what}")


def conflict(what: str) -> ApiError:
    """409 with Telegram's prefix."""
    return ApiError(409, f"Conflict: {what}")


def too_many_requests(retry_after: int) -> ApiError:
    """429; `retry_after` in whole seconds, at least 1."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


class ActRefused(Exception):
    """Something a person in the sandbox cannot do: press a button that is not there, write in a group he is not in."""
