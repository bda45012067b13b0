"""What the fake Gemini service keeps: videos under way, batches, caches. Standard library only."""

from __future__ import annotations

import re
from typing import Final

from tests.fakes.google_wire import PIXEL, ApiError, Json, generate, refuse, whole

_STARTED: Final = re.compile(r"/models/([^/:]+):(predictLongRunning|batchGenerateContent|asyncBatchEmbedContent|fetchPredictOperation)$")
_NAMED: Final = re.compile(r"((?:models/[^/]+/operations|batches|cachedContents|batchPredictionJobs)/[^/:]+)(?::cancel)?$")
_TIME: Final = "2026-11-21T12:00:00Z"


class Jobs:
    """Videos are done at the second look, batches at the first. One batch and one cache are there from the start, named `kept`."""

    def __init__(self) -> None:
        self._count = 0
        self._looks: dict[str, int] = {}
        self._batches: dict[str, Json] = {"batches/kept": {"name": "batches/kept", "metadata": {"state": "BATCH_STATE_RUNNING"}}}
        self._caches: dict[str, Json] = {"cachedContents/kept": {"name": "cachedContents/kept", "model": "models/gemini-2.5-flash"}}

    def answer(self, method: str, path: str, sent: Json) -> Json:
        """The JSON for one request on a job or a cache."""
        started = _STARTED.search(path)
        if started is not None:
            return self._start(started[1], started[2], sent)
        if path.endswith("/cachedContents"):
            return self._cache(sent) if method == "POST" else {"cachedContents": list(self._caches.values())}
        if path.endswith("/batchPredictionJobs") and method == "POST":
            return self._predict(sent)
        named = _NAMED.search(path)
        if named is None:
            raise ApiError(404, f"nothing at {path}")
        return self._look(method, named[1])

    def _start(self, model: str, kind: str, sent: Json) -> Json:
        refuse(model)
        if kind == "fetchPredictOperation":
            return self._video(sent["operationName"])
        self._count += 1
        if kind == "predictLongRunning":
            name = f"models/{model}/operations/video-{self._count}"
            return {"name": name}
        name = f"batches/batch-{self._count}"
        if kind == "asyncBatchEmbedContent":
            self._batches[name] = {"name": name, "metadata": {"name": name, "state": "BATCH_STATE_PENDING", "createTime": _TIME}}
            return self._batches[name]
        self._batches[name] = self._batch(name, model, sent["batch"])
        return {**self._batches[name], "metadata": {**self._batches[name]["metadata"], "state": "BATCH_STATE_PENDING"}, "response": None}

    def _batch(self, name: str, model: str, batch: Json) -> Json:
        asked = batch["inputConfig"]["requests"]["requests"]
        answers = [{"response": whole(generate(model, one["request"], number))} for number, one in enumerate(asked, 100)]
        metadata = {"name": name, "model": f"models/{model}", "state": "BATCH_STATE_SUCCEEDED", "createTime": _TIME}
        output = {"inlinedResponses": {"inlinedResponses": answers}}
        return {"name": name, "metadata": {**metadata, "output": output}, "done": True, "response": output}

    def _predict(self, sent: Json) -> Json:
        self._count += 1
        name = f"batchPredictionJobs/{self._count}"
        self._batches[name] = {**sent, "name": f"projects/p/locations/l/{name}", "state": "JOB_STATE_PENDING", "createTime": _TIME}
        return self._batches[name]

    def _cache(self, sent: Json) -> Json:
        refuse(sent["model"])
        self._count += 1
        name = f"cachedContents/cache-{self._count}"
        usage = {"totalTokenCount": 100}
        self._caches[name] = {"name": name, "model": sent["model"], "createTime": _TIME, "usageMetadata": usage}
        return self._caches[name]

    def _look(self, method: str, name: str) -> Json:
        if "/operations/" in name:
            return self._video(name)
        kept = self._batches if name in self._batches else self._caches
        if name not in kept:
            raise ApiError(404, f"no {name}")
        # What was there from the start stays.
        return {} if method == "DELETE" else kept[name]

    def _video(self, name: str) -> Json:
        self._looks[name] = self._looks.get(name, 0) + 1
        if self._looks[name] < 2:
            return {"name": name}
        video = {"uri": "https://files.example.org/video.mp4", "encodedVideo": PIXEL, "encoding": "video/mp4"}
        samples = {"generatedSamples": [{"video": video}]}
        return {"name": name, "done": True, "response": {"generateVideoResponse": samples, "videos": [{"gcsUri": video["uri"]}]}}
