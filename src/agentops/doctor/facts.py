"""What the doctor reports, as values; their fields are the keys of `agentops doctor --json`.

New keys may be added; none is renamed or removed within a major version.
"""

from __future__ import annotations

from msgspec import Struct, field


class Package(Struct, frozen=True):
    """An installed distribution."""

    name: str
    version: str


class Choice(Struct, frozen=True):
    """The distro or the configurator that OpenTelemetry's loader takes."""

    name: str = ""
    """Its entry point's name; empty where there is none."""
    target: str = ""
    """`module:Class`."""
    distribution: str = ""
    why: str = ""
    others: tuple[str, ...] = ()
    """Entry points of the same group that were passed over."""


class Start(Struct, frozen=True):
    """How the process that was looked at started, and what came of it."""

    how: str
    """`opentelemetry-instrument`, `sitecustomize`, `agentops.init()` or `this process`."""
    distro: Choice
    configurator: Choice
    provider: str
    """Class of the global tracer provider."""
    set_up: bool
    """Whether there is a provider that records at all."""
    said: tuple[str, ...] = ()
    """What was written to stderr meanwhile, secrets masked."""


class Wrapped(Struct, frozen=True):
    """Methods of an SDK that a module other than ours wraps."""

    module: str
    methods: tuple[str, ...]
    counts: bool
    """Whether it is known to record GenAI calls: ours stands down there (AGENTOPS_INSTRUMENTATION_CONFLICT)."""


class Instrumentor(Struct, frozen=True):
    """One instrumentor that is installed."""

    name: str
    """Its entry point's name, by which OTEL_PYTHON_DISABLED_INSTRUMENTATIONS knows it."""
    who: str
    """`ours`, `foreign` (another instrumentor of GenAI calls) or `other`."""
    distribution: str
    sdk: str = ""
    """The distribution that it instruments, with its version where it is installed."""
    active: bool = False
    why: str = ""
    """Why it is not active, or in part."""
    methods: int = 0
    """How many methods are patched (ours only)."""
    missing: tuple[str, ...] = ()
    """Methods that this SDK version lacks, whose calls are not recorded (ours only)."""
    standing_down: tuple[str, ...] = ()
    """Patched methods that ours leaves to another instrumentor (ours only)."""
    wrapped: tuple[Wrapped, ...] = ()
    """Who else wraps the methods that ours patches."""


class Native(Struct, frozen=True):
    """An SDK or framework that emits OpenTelemetry spans by itself."""

    library: str
    version: str
    scope: str
    emits: str
    """`yes`, `no` or `unknown`, and by which setting."""
    content: str
    """Whether its own spans hold content, and by which setting."""
    with_ours: str
    """What becomes of its spans beside ours."""


class Signal(Struct, frozen=True):
    """Where one signal goes."""

    name: str
    places: tuple[str, ...]
    why: str


class Receiver(Struct, frozen=True):
    """One place to which data is sent over the network."""

    name: str
    url: str
    signals: tuple[str, ...]
    ok: bool | None = None
    """None: not asked."""
    answer: str = ""
    action: str = ""
    """What to do where it is not ok."""


class Content(Struct, frozen=True):
    """Whether prompts and completions are recorded."""

    mode: str
    why: str
    redactors: tuple[str, ...] = ()
    redactor_error: str = ""


class Store(Struct, frozen=True):
    """The local store."""

    folder: str
    used: bool
    """Whether this process keeps its spans there."""
    files: int = 0
    bytes: int = 0
    max_bytes: int = 0
    max_age_days: int = 0
    error: str = ""
    """Why it cannot be written to; empty where it can."""


class Spool(Struct, frozen=True):
    """What waits on disk for one signal of one receiver (AGENTOPS_SPOOL)."""

    name: str
    """`agentops` or `otlp`."""
    signal: str
    url: str
    folder: str
    used: bool
    """Whether this process sends there, and so takes over what dead processes left."""
    files: int = 0
    bytes: int = 0
    waiting: int = 0
    """Spans or log records that have not been taken yet."""
    oldest: str = ""
    """When the oldest file with such was begun (ISO 8601 in UTC); empty where nothing waits."""
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    """What was lost, by cause."""
    since: str = ""
    """Since when that is counted (ISO 8601 in UTC); empty where nothing was."""


class Export(Struct, frozen=True):
    """What an exporter of ours has done in the process that was looked at."""

    component: str
    signal: str
    url: str
    delivered: int
    dropped: dict[str, int]


class Finding(Struct, frozen=True):
    """Something wrong or worth knowing, and what to do."""

    code: str
    """Stable; listed in docs/doctor.md."""
    severity: str
    """`error`: data is lost or goes astray; `warning`: probably not what is wanted; `note`."""
    problem: str
    action: str


class Report(Struct, frozen=True):
    """Everything."""

    version: str
    """Of agentops-opentelemetry."""
    python: str
    packages: tuple[Package, ...]
    start: Start
    instrumentors: tuple[Instrumentor, ...]
    natives: tuple[Native, ...]
    signals: tuple[Signal, ...]
    receivers: tuple[Receiver, ...]
    content: Content
    store: Store
    settings: dict[str, str]
    """The OTEL_* and AGENTOPS_* variables that were given, secrets left out."""
    findings: tuple[Finding, ...] = field(default=())
    spools: tuple[Spool, ...] = ()
    spool_error: str = ""
    """Why the spools cannot be read, or written to where there are to be any; empty where they can."""
    exports: tuple[Export, ...] = ()

    def __str__(self) -> str:
        """The report as text, without colours."""
        from agentops.doctor.text import lines

        return "\n".join(line.plain for line in lines(self))
