"""What the API answers when it cannot do what was asked.

    ApiError
    +-- BadBody (400)            the request's body cannot be read
    +-- MissingField (400)       a field that must be there is not
    +-- ImpossibleValue (400)    a value no toxic can have; the real server accepts some of these and dies of them
    +-- InvalidToxicType (400)   there is no such toxic
    +-- InvalidStream (400)      neither upstream nor downstream
    +-- NotFound (404)           no such proxy or toxic
    +-- AlreadyExists (409)      the name is taken
    +-- CannotListen (500)       the address cannot be listened on

Messages are those of Toxiproxy 2.12 where it has one.
"""

from __future__ import annotations

import json


class ApiError(Exception):
    """An answer other than success."""

    status = 500

    @property
    def fields(self) -> dict[str, object]:
        return {"error": str(self), "status": self.status}

    @property
    def body(self) -> bytes:
        return json.dumps(self.fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class BadBody(ApiError):
    """The request's body cannot be read."""

    status = 400

    def __init__(self, why: str) -> None:
        super().__init__(f"bad request body: {why}")


class MissingField(ApiError):
    """A field that must be there is not."""

    status = 400

    def __init__(self, field: str) -> None:
        super().__init__(f"missing required field: {field}")


class ImpossibleValue(ApiError):
    """A value that no toxic can have."""

    status = 400


class InvalidToxicType(ApiError):
    """There is no such toxic."""

    status = 400

    def __init__(self) -> None:
        super().__init__("invalid toxic type")


class InvalidStream(ApiError):
    """Neither upstream nor downstream."""

    status = 400

    def __init__(self) -> None:
        super().__init__("stream was invalid, can be either upstream or downstream")


class NotFound(ApiError):
    """No such proxy or toxic."""

    status = 404

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found")


class AlreadyExists(ApiError):
    """The name is taken."""

    status = 409

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} already exists")


class CannotListen(ApiError):
    """The address cannot be listened on."""
