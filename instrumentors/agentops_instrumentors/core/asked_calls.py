"""Which tool calls a model asked for, while an SDK answers them: functions are not told the ids of their calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import attach, create_key, get_current, set_value

from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.operation import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Token

    from opentelemetry.context import Context

    from agentops_instrumentors.core.telemetry import Telemetry

_ASKED: Final = create_key("agentops-asked-calls")


def id_of(name: str) -> str | None:
    """The id of the next call of the tool `name` that the model asked for, as far as it is known."""
    asked = cast("list[tuple[str, str | None]]", get_current().get(_ASKED) or [])
    for index, (wanted, identifier) in enumerate(asked):
        if wanted == name:
            del asked[index]
            return identifier
    return None


class AnsweringEndpoint(Endpoint):
    """A method that runs the tools a model's answer asks for, sync or async."""

    def asked(self, call: Call) -> Iterable[tuple[str, str | None]]:
        """Name and id of each call."""
        raise NotImplementedError

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        return self._run_async if asynchronous else self._run

    def _run(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        token = self._note(Call(args, kwargs))
        try:
            return wrapped(*args, **kwargs)
        finally:
            Invocation.leave(token)

    async def _run_async(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        token = self._note(Call(args, kwargs))
        try:
            return await wrapped(*args, **kwargs)
        finally:
            Invocation.leave(token)

    def _note(self, call: Call) -> Token[Context]:
        asked: list[tuple[str, str | None]] = []
        try:
            asked.extend(self.asked(call))
        except Exception as error:
            swallowed(self.target, error)
        return attach(set_value(_ASKED, asked))
