"""Attributes of workflows."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class WorkflowAttributes:
    """What runs, its steps, what goes in and out."""

    WORKFLOW_NAME = semconv.WORKFLOW_NAME
    WORKFLOW_ID = "workflow.id"
    WORKFLOW_TYPE = "workflow.type"
    WORKFLOW_INPUT = "workflow.input"
    WORKFLOW_INPUT_TYPE = "workflow.input.type"
    WORKFLOW_OUTPUT = "workflow.output"
    WORKFLOW_OUTPUT_TYPE = "workflow.output.type"
    WORKFLOW_FINAL_OUTPUT = "workflow.final_output"
    WORKFLOW_MAX_TURNS = "workflow.max_turns"
    WORKFLOW_STEP_TYPE = "workflow.step.type"
    WORKFLOW_STEP_NAME = "workflow.step.name"
    WORKFLOW_STEP_INPUT = "workflow.step.input"
    WORKFLOW_STEP_OUTPUT = "workflow.step.output"
    WORKFLOW_STEP_STATUS = "workflow.step.status"
    WORKFLOW_STEP_ERROR = "workflow.step.error"
