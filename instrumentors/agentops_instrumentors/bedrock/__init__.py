"""AWS Bedrock: models, guardrails, agents and knowledge bases, through botocore (boto3) and aiobotocore."""

from __future__ import annotations

from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

__all__ = ["BedrockInstrumentor"]


class BedrockInstrumentor(ProviderInstrumentor):
    """Instruments Bedrock clients of `botocore`, boto3's included, and of `aiobotocore`. Other AWS services are left alone."""

    sdk = "botocore"
    requires = ("botocore >= 1.35.74",)
    endpoints = "agentops_instrumentors.bedrock.endpoints:ENDPOINTS"
