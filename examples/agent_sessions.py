"""The same assistant with sessions of its own: two questions worked on at the same time, one trace each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from agent import answer

import agentops


def work(name: str, question: str) -> str:
    with agentops.start_trace(name, tags=["example"]):
        return answer(question)


def main() -> None:
    agentops.init(auto_start_session=False)
    questions = {"weather": "What is the weather like in Paris?", "museum": "When can I visit the museum?"}
    with ThreadPoolExecutor() as pool:
        for question, text in zip(questions.values(), pool.map(work, questions, questions.values()), strict=True):
            print(f"{question}\n  {text}")


if __name__ == "__main__":
    main()
