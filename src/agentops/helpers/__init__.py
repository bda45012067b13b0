"""Small functions that programs import from here."""

from agentops.helpers.dashboard import get_trace_url, log_trace_url
from agentops.helpers.env import get_env_bool, get_env_int, get_env_list
from agentops.helpers.serialization import AgentOpsJSONEncoder, filter_unjsonable, is_jsonable, safe_serialize, serialize_uuid
from agentops.helpers.system import get_host_env
from agentops.helpers.time import from_unix_nano_to_iso, get_ISO_time, iso_to_unix_nano
from agentops.helpers.version import check_agentops_update, get_agentops_version

__all__ = [
    "AgentOpsJSONEncoder",
    "check_agentops_update",
    "filter_unjsonable",
    "from_unix_nano_to_iso",
    "get_ISO_time",
    "get_agentops_version",
    "get_env_bool",
    "get_env_int",
    "get_env_list",
    "get_host_env",
    "get_trace_url",
    "is_jsonable",
    "iso_to_unix_nano",
    "log_trace_url",
    "safe_serialize",
    "serialize_uuid",
]
