"""What single receivers want beyond the conventions, each in a module named after it, for those who ask for it.

Every one is a span exporter for OTEL_TRACES_EXPORTER (`agentops_phoenix`, `agentops_mlflow`) and a span processor for code. They add to a
copy of a span: what other exporters see is untouched.
"""
