"""What a provider writes for each method it instruments: pure functions from the vendor's values to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Call, Request, Response
    from agentops_instrumentors.core.telemetry import Telemetry


class Endpoint:
    """One instrumented method (or both its sync and async form, in two objects of one class).

    `target` is `module:Class.method` or `module:function`. `versions` says which versions of the SDK's distribution have it, such as
    `>=1.92`, where not all that the instrumentor takes do: elsewhere it may be missing without a warning.
    """

    beside: ClassVar[tuple[str, ...]] = ()
    """Methods through which a call reaches the target or goes on from it, where another instrumentor may count it: names in the same class,
    or `module:Class.method`."""
    dispatcher: ClassVar[bool] = False
    """Whether the method serves many operations, of which other instrumentors may count some (`elsewhere`)."""
    deferred: ClassVar[bool] = False
    """Whether the method only prepares the call, which what it returns makes when it is entered, say (`defer`)."""

    def __init__(self, target: str, versions: str = "") -> None:
        self.target = target
        self.versions = versions

    def request(self, instance: Any, call: Call) -> Request | None:
        """What is asked for; runs before the call, so it reads and does not build (content is a callable).

        None where the method serves other things too and this call is no GenAI operation: it is left alone.
        """
        raise NotImplementedError

    def elsewhere(self, instance: Any, call: Call) -> bool:
        """Whether another instrumentor counts this call of a dispatcher; asked where there is a request."""
        return False

    def response(self, returned: Any) -> Response:
        """What came back."""
        raise NotImplementedError

    def deliver(self, invocation: Invocation, returned: Any) -> Any:
        """Take the vendor's return value and give back what the caller gets: the same object, unless it must be wrapped.

        Ends the invocation, or arranges for its end where the answer is still to come (a stream).
        """
        invocation.finish(self.response(returned))
        return returned

    def defer(self, prepared: Any, start: Callable[[Any], Any]) -> None:
        """Have the call that `prepared` makes later begin the operation: put `start(call)` in the place of `call`.

        `call` is a function without arguments, or a coroutine.
        """
        raise NotImplementedError

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any] | None:
        """A wrapper of this endpoint's own, `(wrapped, instance, args, kwargs)`, for a method that is no operation: a tool's, say.

        None, as almost always, for the kernel's. `asynchronous` says that the method is a coroutine function.
        """
        return None
