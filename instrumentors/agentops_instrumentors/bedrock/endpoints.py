"""The method that every call of every AWS client goes through, and which operations of it are Bedrock's.

Clients get their methods (`client.converse`) when they are made, from a service's description; all of them call `_make_api_call`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.bedrock import agents, neighbours
from agentops_instrumentors.bedrock.bodies import InvokeModel, InvokeModelStream
from agentops_instrumentors.bedrock.converse import Converse, ConverseStream
from agentops_instrumentors.botocore_answers import Events, Pieces, observe_body, observe_events
from agentops_instrumentors.core import address
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.plain import dig

if TYPE_CHECKING:
    from agentops_instrumentors.bedrock.surface import Asked, Surface
    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Call, Request

_SURFACES: Final[dict[str, Surface]] = {
    "Converse": Converse(),
    "ConverseStream": ConverseStream(),
    "InvokeModel": InvokeModel(),
    "InvokeModelWithResponseStream": InvokeModelStream(),
    "ApplyGuardrail": agents.ApplyGuardrail(),
    "InvokeAgent": agents.InvokeAgent(),
    "InvokeInlineAgent": agents.InvokeAgent(),
    "Retrieve": agents.Retrieve(),
    "RetrieveAndGenerate": agents.RetrieveAndGenerate(),
    "RetrieveAndGenerateStream": agents.RetrieveAndGenerateStream(),
    "Rerank": agents.Rerank(),
}
"""By operation, whose names no other AWS service shares with the same service name."""


class MakeApiCall(Endpoint):
    """`_make_api_call(operation_name, api_params)`."""

    dispatcher = True

    def request(self, instance: Any, call: Call) -> Request | None:
        surface = _SURFACES.get(_operation(call))
        if surface is None:
            return None
        meta = instance.meta
        if meta.service_model.service_name != surface.service:
            return None
        args, kwargs = call.args, call.kwargs
        return surface.request(args[1] if len(args) > 1 else kwargs["api_params"], address.server_of(meta.endpoint_url))

    def elsewhere(self, instance: Any, call: Call) -> bool:
        return neighbours.counted(instance, _operation(call))

    def deliver(self, invocation: Invocation, returned: Any) -> Any:
        asked = cast("Asked", invocation.request)
        surface = asked.surface
        later = surface.stream or surface.body
        head = {name: value for name, value in returned.items() if name != later}
        if surface.stream and hasattr(returned.get(later), "_event_generator"):
            gathered = Events(lambda events: surface.response(surface.whole(head, events), asked))
            observe_events(returned[later], invocation, gathered)
        elif surface.body and hasattr(returned.get(later), "read"):
            pieces = Pieces(lambda body: surface.response({**head, "chunks": [body]}, asked))
            observe_body(returned[later], invocation, pieces, dig(returned, "ResponseMetadata", "HTTPHeaders", "content-length"))
        else:
            invocation.finish(surface.response(returned, asked))
        return returned


def _operation(call: Call) -> str:
    return call.args[0] if call.args else call.kwargs["operation_name"]


ENDPOINTS: Final = (
    MakeApiCall("botocore.client:BaseClient._make_api_call"),
    MakeApiCall("aiobotocore.client:AioBaseClient._make_api_call"),
)
