"""A fake Live API on a real websocket: it answers each turn, calls a function where it has one, and can leave.

What the program says decides: `hang up` closes the connection, `nonsense` is answered by no JSON.
"""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self
    from websockets.sync.server import ServerConnection

SOUND = b"\x01\x02\x03"


class FakeLive:
    """The service; `url` is for `HttpOptions(base_url=...)`. `received` is what programs sent, decoded."""

    def __init__(self, turns: list[Any] | None = None) -> None:
        """`turns` is the ledger: an entry for each turn that the model takes, (input tokens, output tokens) or None where it breaks off."""
        self.received: list[Any] = []
        self.turns: list[Any] = [] if turns is None else turns
        self._server = serve(self._talk, "127.0.0.1", 0)
        self.port: int = self._server.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _talk(self, connection: ServerConnection) -> None:
        try:
            setup = json.loads(connection.recv())["setup"]
            self.received.append({"setup": setup})
            _send(connection, {"setupComplete": {"sessionId": "session-1"}})
            for text in connection:
                self.received.append(json.loads(text))
                self._answer(connection, setup, self.received[-1])
        except ConnectionClosed:
            return

    def _answer(self, connection: ServerConnection, setup: Any, said: Any) -> None:
        if "tool_response" in said:
            answer = said["tool_response"]["functionResponses"][0]["response"]
            self._speak(connection, f"The result is: {json.dumps(answer)}", 20)
            return
        if "realtime_input" in said:
            if "text" in said["realtime_input"]:
                self._speak(connection, f"Heard: {said['realtime_input']['text']}", 5)
            return
        content = said["client_content"]
        if not content.get("turnComplete", content.get("turn_complete")):
            return
        text = content["turns"][-1]["parts"][0]["text"]
        if "hang up" in text:
            self.turns.append(None)
            connection.close(1011, "going away")
        elif "nonsense" in text:
            self.turns.append(None)
            connection.send("{not json")
        elif setup.get("tools"):
            name = setup["tools"][0]["functionDeclarations"][0]["name"]
            _send(connection, {"toolCall": {"functionCalls": [{"id": "call-1", "name": name, "args": {"port": text}}]}})
        else:
            self._speak(connection, f"You said: {text}", 10)

    def _speak(self, connection: ServerConnection, text: str, prompt: int) -> None:
        self.turns.append((prompt, 4))
        for word in text.split(" "):
            _send(connection, {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": f"{word} "}]}}})
        sound = {"inlineData": {"mimeType": "audio/pcm", "data": base64.b64encode(SOUND).decode()}}
        _send(connection, {"serverContent": {"modelTurn": {"role": "model", "parts": [sound]}}})
        usage = {"promptTokenCount": prompt, "responseTokenCount": 4, "totalTokenCount": prompt + 4}
        _send(connection, {"serverContent": {"turnComplete": True}, "usageMetadata": usage})


def _send(connection: ServerConnection, message: Any) -> None:
    connection.send(json.dumps(message).encode())
