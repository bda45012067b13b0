"""What `make demo` runs: the example agent, unchanged, recorded and shown.

Without REAL=1 the model is a small stand-in server on loopback. Recordings go to the folder given as the first argument.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
QUESTIONS = ["What is the weather like in Paris?", "When can I visit the museum?"]


@contextmanager
def model_server() -> Iterator[dict[str, str]]:
    """The environment that leads the client to a model: the real one, or a stand-in started here."""
    if os.environ.get("REAL"):
        if not os.environ.get("OPENAI_API_KEY"):
            sys.exit("make demo REAL=1 needs OPENAI_API_KEY; without REAL=1 it needs nothing.")
        yield {}
        return
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0"], cwd=HERE.parent, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield {"OPENAI_BASE_URL": server.stdout.readline().strip(), "OPENAI_API_KEY": "no-key-needed"}
    finally:
        server.terminate()
        server.wait()


def step(*command: str, env: dict[str, str]) -> None:
    shown = [Path(part).name if os.sep in part and Path(part).parent == SCRIPTS else part for part in command]
    print(f"\n$ {' '.join(shown)}", flush=True)
    subprocess.run(command, check=True, env=env, cwd=HERE.parent)


def main() -> None:
    folder = str(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo").resolve())
    instrument, agentops = str(SCRIPTS / "opentelemetry-instrument"), str(SCRIPTS / "agentops")
    with model_server() as model:
        env = {**os.environ, **model, "AGENTOPS_LOCAL_DIR": folder, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}
        print("Two unchanged programs at once, each recorded as a session:")
        print("\n".join(f'$ opentelemetry-instrument python examples/agent.py "{question}"' for question in QUESTIONS), flush=True)
        agents = [
            subprocess.Popen([instrument, "python", "examples/agent.py", question], env=env, cwd=HERE.parent) for question in QUESTIONS
        ]
        if any([agent.wait() for agent in agents]):  # noqa: C419 - waits for each of them
            sys.exit("The example failed; its own message is above.")
        print("\nOne program with two sessions of its own at once:")
        step("python", "examples/agent_sessions.py", env=env)
    step(agentops, "sessions", env=env)
    step(agentops, "show", "latest", env=env)
    print(f"\nRecorded in {folder}. With the messages: agentops show latest --content --dir {folder}")


if __name__ == "__main__":
    main()
