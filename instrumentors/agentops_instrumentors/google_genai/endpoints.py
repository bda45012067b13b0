"""Every patched method of the google-genai SDK."""

from __future__ import annotations

from agentops_instrumentors.google_genai.generate import Generate, GenerateStream

_MODELS = "google.genai.models"

ENDPOINTS = (
    Generate(f"{_MODELS}:Models._generate_content"),
    Generate(f"{_MODELS}:AsyncModels._generate_content"),
    GenerateStream(f"{_MODELS}:Models._generate_content_stream"),
    GenerateStream(f"{_MODELS}:AsyncModels._generate_content_stream"),
)
