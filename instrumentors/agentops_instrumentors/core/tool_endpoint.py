"""A method of an SDK that runs a tool for its user, as an endpoint."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import dropped, tool
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.operation import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agentops_instrumentors.core.telemetry import Telemetry


class ToolEndpoint(Endpoint):
    """A method that runs a tool, sync or async: it returns, raises and waits as without us."""

    def tool(self, instance: Any, call: Call) -> tool.ToolCall | None:
        """What is called; None where this is no tool's call."""
        raise NotImplementedError

    def error_of(self, returned: Any) -> str | None:
        """The `error.type` of a tool's answer that is an error without being raised."""
        return None

    def cause(self, error: BaseException) -> BaseException:
        """The tool's own exception, of the one that the SDK raises in its place."""
        return error

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        return partial(self._run_async if asynchronous else self._run, telemetry)

    def _run(self, telemetry: Telemetry, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        running = self._begin(telemetry, instance, Call(args, kwargs))
        if running is None:
            return wrapped(*args, **kwargs)
        token = running.enter()
        try:
            returned = wrapped(*args, **kwargs)
        except BaseException as error:
            running.leave(token)
            self._fail(running, error)
            raise
        running.leave(token)
        self._finish(running, returned)
        return returned

    def _run_async(
        self, telemetry: Telemetry, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return self._drive(telemetry, wrapped(*args, **kwargs), instance, Call(args, kwargs))

    async def _drive(self, telemetry: Telemetry, coroutine: Coroutine[Any, Any, Any], instance: Any, call: Call) -> Any:
        running = self._begin(telemetry, instance, call)
        if running is None:
            return await coroutine
        drop = dropped.prepare()
        token = running.enter()
        try:
            returned = await coroutine
        except GeneratorExit:
            running.leave(token)
            drop(running)
            raise
        except BaseException as error:
            running.leave(token)
            self._fail(running, error)
            raise
        running.leave(token)
        self._finish(running, returned)
        return returned

    def _begin(self, telemetry: Telemetry, instance: Any, call: Call) -> tool.ToolRun | None:
        try:
            called = self.tool(instance, call)
        except Exception as error:
            swallowed(self.target, error)
            return None
        return None if called is None else tool.begin(telemetry, called)

    def _finish(self, running: tool.ToolRun, returned: Any) -> None:
        error_type = None
        try:
            error_type = self.error_of(returned)
        except Exception as error:
            swallowed(self.target, error)
        running.finish(returned, error_type)

    def _fail(self, running: tool.ToolRun, error: BaseException) -> None:
        cause = error
        try:
            cause = self.cause(error)
        except Exception as failure:
            swallowed(self.target, failure)
        running.fail(cause)
