"""Message batches as the service keeps them: ended at once, unless their first model says `slow`. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.anthropic_wire import CREATED, FAILING, Answer, ApiError, error_body

if TYPE_CHECKING:
    from tests.fakes.anthropic_messages import Messages
    from tests.fakes.openai_wire import Ids, Json


class Batches:
    """Batches by id, with their results."""

    def __init__(self, ids: Ids, messages: Messages) -> None:
        self._ids = ids
        self._messages = messages
        self._batches: dict[str, Json] = {}
        self._results: dict[str, list[Json]] = {}

    def reset(self) -> None:
        self._batches.clear()
        self._results.clear()

    def create(self, body: Json, base_url: str) -> Answer:
        """POST .../messages/batches."""
        if not body.get("requests"):
            raise ApiError(400, "requests: at least one request is required")
        identifier = self._ids.new("msgbatch_")
        results = [{"custom_id": asked["custom_id"], "result": self._result(asked["params"])} for asked in body["requests"]]
        slow = "slow" in body["requests"][0]["params"]["model"]
        batch: Json = {
            "id": identifier,
            "type": "message_batch",
            "processing_status": "in_progress" if slow else "ended",
            "request_counts": _counts(results, slow),
            "created_at": CREATED,
            "expires_at": "2026-10-27T18:00:00Z",
            "ended_at": None if slow else CREATED,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None if slow else f"{base_url}/v1/messages/batches/{identifier}/results",
        }
        self._batches[identifier], self._results[identifier] = batch, results
        return Answer(body=batch)

    def one(self, method: str, identifier: str, action: str | None) -> Answer:
        """What is asked of one batch."""
        batch = self._batches.get(identifier)
        if batch is None:
            raise ApiError(404)
        if method == "GET" and action == "/results":
            if batch["processing_status"] != "ended":
                raise ApiError(404, "The results of the batch are not available yet.")
            return Answer(lines=self._results[identifier])
        if method == "POST" and action == "/cancel":
            batch |= {"processing_status": "canceling", "cancel_initiated_at": CREATED}
            return Answer(body=batch)
        if method == "DELETE" and action is None:
            del self._batches[identifier]
            return Answer(body={"id": identifier, "type": "message_batch_deleted"})
        if method == "GET" and action is None:
            return Answer(body=batch)
        raise ApiError(404)

    def all(self) -> Answer:
        """GET .../messages/batches."""
        listed: list[Any] = list(self._batches.values())
        ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]} if listed else {"first_id": None, "last_id": None}
        return Answer(body={"data": listed, "has_more": False, **ends})

    def _result(self, params: Json) -> Json:
        failing = FAILING.search(params["model"])
        if failing:
            return {"type": "errored", "error": error_body(int(failing[1]))}
        return {"type": "succeeded", "message": self._messages.message(params)}


def _counts(results: list[Json], slow: bool) -> Json:
    kinds = [result["result"]["type"] for result in results]
    processing = len(results) if slow else 0
    done = {name: 0 if slow else kinds.count(name) for name in ("succeeded", "errored", "canceled", "expired")}
    return {"processing": processing, **done}
