"""Programs as users of AgentOps write them, to the letter."""

from __future__ import annotations

SINGLE_TRACE = """\
import agentops

agentops.init()
trace_context = agentops.start_trace("my_workflow")
# Your agent logic here
agentops.end_trace(trace_context, "Success")
"""
SINGLE_TRACE_WITHOUT_BLANK = """\
import agentops
agentops.init()
trace_context = agentops.start_trace("my_workflow")
# Your agent logic here
agentops.end_trace(trace_context, "Success")
"""
MULTIPLE_CONCURRENT_TRACES = """\
import agentops

agentops.init(auto_start_session=False)
trace_1 = agentops.start_trace("workflow_1", tags=["experiment_a"])
trace_2 = agentops.start_trace("workflow_2", tags=["experiment_b"])

# Work with both traces concurrently
agentops.end_trace(trace_1, "Success")
agentops.end_trace(trace_2, "Success")
"""
CONCURRENT_TRACES_WITHOUT_TAGS = """\
import agentops
agentops.init(auto_start_session=False)
trace_1 = agentops.start_trace("workflow_1")
trace_2 = agentops.start_trace("workflow_2")

# Work with both traces concurrently
agentops.end_trace(trace_1, "Success")
agentops.end_trace(trace_2, "Success")
"""
CONTEXT_MANAGER = """\
import agentops

agentops.init(auto_start_session=False)
with agentops.start_trace("my_workflow") as trace:
    # Your agent logic here
    # Trace automatically ends when exiting the context
    pass
"""
LEGACY_SINGLE_SESSION = """\
import agentops
agentops.init()
agentops.end_session(end_state='Success')
"""
LEGACY_MULTIPLE_SESSIONS = """\
import agentops
agentops.init(auto_start_session=False)
session_1 = agentops.start_session(tags=["session_1"])
session_2 = agentops.start_session(tags=["session_2"])

session_1.end_session(end_state='Success')
session_2.end_session(end_state='Success')
"""
IMPORT = "import agentops\n"
STARTING_TRACES = """\
agentops.init(auto_start_session=False)
trace_1 = agentops.start_trace("user_query_1")
trace_2 = agentops.start_trace("user_query_2")
trace_3 = agentops.start_trace("background_task")
"""
ENDING_TRACES = """\
# End specific trace
agentops.end_trace(trace_1, "Success")

# End all active traces
agentops.end_trace(end_state="Success")
"""
USING_DECORATORS = """\
import agentops

@agentops.trace
def my_workflow():
    # Your agent logic here
    return "result"

@agentops.agent
class MyAgent:
    def run(self):
        # Agent logic here
        pass
"""
USING_THEM = """\
assert my_workflow() == "result"
MyAgent().run()
"""
DECORATED_WORKFLOW = """\
import agentops

@agentops.trace
def my_workflow():
    # Your agent logic here
    pass

my_workflow()
"""
LLM_CALL_TRACKING = """\
import agentops
import openai

agentops.init()
client = openai.OpenAI()

trace_1 = agentops.start_trace("query_1")
response_1 = client.chat.completions.create(
    model="gpt-3.5-turbo",
    messages=[{"role": "user", "content": "Hello from trace 1"}]
)

trace_2 = agentops.start_trace("query_2")
response_2 = client.chat.completions.create(
    model="gpt-3.5-turbo",
    messages=[{"role": "user", "content": "Hello from trace 2"}]
)

agentops.end_trace(trace_1, "Success")
agentops.end_trace(trace_2, "Success")
"""
FIRST_PROCESS = """\
import agentops
session_id = agentops.init()
# pass session_id to the other process
"""
OTHER_PROCESS = """\
# -- other process --
session_id = retrieve_session_id()
"""
INHERIT_BY_INIT = "agentops.init(inherited_session_id=<id>)\n"
INHERIT_BY_START_SESSION = "agentops.start_session(inherited_session_id=<id>)\n"
