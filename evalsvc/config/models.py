"""The shape of eval.yaml: every key, its type, its default and what it means.

Shapes only: which metric, task or template exists is checked by the station that owns it.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag, field_validator, model_validator

from evalsvc.config.scale import Scale
from evalsvc.jsonio import as_text

# Labels and ids compare as text, whatever YAML made of them.
Text = Annotated[str, BeforeValidator(lambda value: as_text(value) if isinstance(value, bool | int | float) else value)]

# YAML has lists and a frozen tree has tuples: the one conversion that is not strict.
Texts = Annotated[tuple[Text, ...], Strict(False)]

# Which arm of "text, or a mapping" a value is meant to be; the angle brackets keep the tags apart from keys in error paths.
_TEXT_OR_MAPPING = Discriminator(lambda value: "<text>" if isinstance(value, str) else "<mapping>")

_ENVIRONMENT_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _as_float(value: Any) -> Any:
    """Whole numbers are numbers too; the models are strict."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class Subsample(Section):
    """A random part of the rows, the same at every launch."""

    n: int = Field(ge=1, description="How many rows.")
    seed: int = Field(default=0, ge=0, description="Another seed draws another part.")
    stratify: Text | None = Field(default=None, description="A column whose values keep their shares in the part, usually the target.")


class Join(Section):
    """More columns for the answers of a run, as what people said of them; joined by id."""

    path: str = Field(description="A data file, relative to the config file.")
    id: Text = Field(default="id", description="Its column with the ids of the run; a column `repeat` tells repeats apart.")


class DatasetConfig(Section):
    """Where the rows are and which columns mean what."""

    path: str = Field(
        description="A file, or a glob for several of one format, relative to the config file; or an https://, s3://, gs:// or hf:// URL; "
        "or a run, as runs/NAME/latest: its answers are the rows then."
    )
    against: str | None = Field(default=None, description="Another run: each row is a pair of answers then, and each pair is two rows.")
    join: Join | None = Field(default=None, description="More columns for the answers of a run: {path: ratings.csv, id: id}.")
    input: Text | None = Field(default=None, description="The column that templates see as `input`.")
    target: Text | None = Field(default=None, description="The column with the right answer; never visible to a template.")
    id: Text | None = Field(default=None, description="A column with unique ids; without it, ids are hashes of the row.")
    messages: Text | None = Field(
        default=None,
        description="The column with a conversation of the row's own, in OpenAI's chat format. An assistant message at its end is never "
        "sent; without `target` it is the target.",
    )
    format: Text | None = Field(
        default=None,
        description="jsonl, csv, tsv, parquet, an installed reader, or one of your own as path/to/file.py:name. "
        "Default: by the file's ending.",
    )
    columns: Texts | None = Field(default=None, description="Column names of a CSV or TSV file without a header.")
    limit: int | None = Field(default=None, ge=1, description="Only the first so many rows.")
    where: str | None = Field(default=None, description="Only the rows for which this expression holds.")
    subsample: Subsample | None = Field(default=None, description="Only a random part of the rows.")
    group: Text | None = Field(default=None, description="The column by which rows belong together in intervals.")


class PromptFile(Section):
    """A template kept in a file of its own, relative to the config file."""

    file: str


Template = Annotated[Annotated[str, Tag("<text>")] | Annotated[PromptFile, Tag("<mapping>")], _TEXT_OR_MAPPING]
Named = Annotated[Annotated[str, Tag("<text>")] | Annotated[dict[str, dict[str, Any]], Tag("<mapping>")], _TEXT_OR_MAPPING]


class Message(Section):
    """One turn of a conversation."""

    role: str = Field(min_length=1, description="system, developer, user, assistant; sent as written.")
    content: Template = Field(description="A template, or {file: path}.")


class FewShot(Section):
    """Answered examples before the question, the same for every row and none of them a row of the test set."""

    path: str = Field(description="The file the examples come from, relative to the config file; read as `dataset.path` is.")
    k: int = Field(ge=1, description="How many.")
    seed: int = Field(default=0, ge=0, description="Another seed draws others.")
    input: Text | None = Field(default=None, description="Default: as `dataset.input`.")
    target: Text | None = Field(default=None, description="Default: as `dataset.target`.")
    stratify: bool = Field(default=True, description="Draw from each target in turn, so that no label is missing while k allows it.")


class PromptConfig(Section):
    """Jinja2 templates, sandboxed and strict. They see every column but the target, and `input` and `id`."""

    system: Template | None = Field(default=None, description="The system message; a template, or {file: path} for one in a file.")
    user: Template | None = Field(default=None, description="The user message, likewise. Default: {{ input }}.")
    messages: Annotated[tuple[Message, ...], Strict(False)] | None = Field(
        default=None, min_length=1, description="A whole conversation, in place of system and user."
    )
    few_shot: FewShot | None = Field(default=None, description="Answered examples before the question.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.messages is not None and (self.system is not None or self.user is not None):
            raise ValueError("give either `messages`, or `system` and `user`, not both")
        return self


class Price(Section):
    """USD per million tokens."""

    input: float = Field(ge=0, description="USD per million input tokens.")
    output: float = Field(ge=0, description="USD per million output tokens.")
    cached: float | None = Field(default=None, ge=0, description="For cached input tokens; default: as input.")

    @field_validator("input", "output", "cached", mode="before")
    @classmethod
    def _whole_numbers_are_prices_too(cls, value: Any) -> Any:
        return _as_float(value)


class Azure(Section):
    """What `client: azure` needs besides `base_url`, which is the resource: https://NAME.openai.azure.com."""

    api_version: str | None = Field(default=None, description="As in 2024-10-21. Default: OPENAI_API_VERSION.")
    deployment: Text | None = Field(default=None, description="Default: `model.name`.")
    token_provider: Text | None = Field(
        default=None,
        description="In place of a key: `identity` asks azure-identity, or a function of your own as path/to/file.py:name. "
        "The key is in AZURE_OPENAI_API_KEY.",
    )


class ModelConfig(Section):
    """Which model, where, and what is sent to it."""

    name: Text = Field(description="As the endpoint knows it.")
    base_url: str = Field("", description='Any http(s) URL, used as given, or "sandbox". Default: OPENAI_BASE_URL, else OpenAI.')
    api: Text = Field(
        default="chat",
        description="Which API the endpoint speaks: chat, responses, completions, an installed one, or one of your own "
        "as path/to/file.py:name.",
    )
    client: Literal["http", "sdk", "azure"] = Field(
        default="http", description="What carries the requests: our own, or OpenAI's SDK for the ways to sign in that only it knows."
    )
    azure: Azure | None = Field(default=None, description="For `client: azure`.")
    ca_file: str | None = Field(
        default=None,
        description="Certificates to trust besides the system's, as a PEM file relative to the config file. Also: SSL_CERT_FILE.",
    )
    stream: bool = Field(default=False, description="Ask for the answer piece by piece, to time the first token.")
    api_key_env: str | None = Field(
        default=None, description="Environment variable with the key. Default: OPENAI_API_KEY for OpenAI's own host, none for any other."
    )
    revision: Text | None = Field(default=None, description="Training run or adapter commit, for weights that change under one name.")
    endpoint_id: str | None = Field(
        default=None, description="Names the endpoint in place of its URL, when one server has several addresses."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every request.")
    max_output_tokens: int | None = Field(default=None, ge=1, description="Sent as the field that this API wants.")
    params: dict[str, Any] = Field(default_factory=dict, description="Sent verbatim; nothing unwritten is sent.")
    price: Price | None = Field(
        default=None, description="Default: as genai-prices lists this very model, with `evalsvc[prices]`; else no cost is shown."
    )
    sandbox: dict[str, Any] | None = Field(default=None, description="What the embedded sandbox serves: train, fit, input, target, faults.")

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _ENVIRONMENT_VARIABLE.fullmatch(value):
            raise ValueError("expected the NAME of an environment variable, such as OPENAI_API_KEY; a key itself never stands in a config")
        return value


class OperatingPoint(Section):
    """The threshold to look for: the one that reaches this much of one side at the least cost on the other."""

    recall: float | None = Field(default=None, gt=0, le=1, description="Find at least this share of the rows of `scoring.positive`.")
    precision: float | None = Field(default=None, gt=0, le=1, description="At least this share of what is called positive must be.")

    _whole_numbers = field_validator("recall", "precision", mode="before")(_as_float)

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.recall is None) == (self.precision is None):
            raise ValueError("give either `recall` or `precision`")
        return self


class Numbers(Section):
    """How numbers are read in replies, by numeric_match and the task regression."""

    decimal: Literal[".", ","] = Field(default=".", description='The decimal mark: "." as in 1,234.5, or "," as in 1.234,5.')
    percent: Literal["unit", "share"] = Field(default="unit", description="unit: 45% is 45; share: 45% is 0.45.")


class Scoring(Section):
    """How a label or an answer is found in a reply, and what is right."""

    labels: Texts | None = Field(default=None, description="Default: the targets that occur in the data set.")
    positive: Text | None = Field(default=None, description="Makes plain precision, recall and f1 exist.")
    aliases: dict[Text, Texts] = Field(default_factory=dict, description="Other spellings of a label.")
    extract: dict[str, Any] | None = Field(
        default=None,
        description="{json: path} reads one field of a JSON reply; {regex: pattern} takes its first group; "
        "default: the rules of docs/metrics.md.",
    )
    normalise: Literal["default", "none"] = Field(default="default", description="none: labels must match to the letter.")
    correct: Text | None = Field(
        default=None,
        description="The metric that says which answers are right, as exact_match or numeric_match; then there is accuracy. "
        "Default: normalised_match for qa, none for other tasks with texts.",
    )
    references: Literal["auto", "text"] = Field(
        default="auto",
        description="auto: a target that is a JSON list of texts is several right answers; text: it is one text, whatever it looks like.",
    )
    numbers: Numbers = Field(default=Numbers(), description="How numbers are read: {decimal: ',', percent: share}.")
    operating_point: OperatingPoint | None = Field(
        default=None, description="{recall: 0.9} or {precision: 0.95}: which threshold to report, where there are class probabilities."
    )
    scorer: Text | None = Field(
        default=None,
        description="An installed scorer, or one of your own as path/to/file.py:name, in place of the task's. See docs/extending.md.",
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Handed to `scorer`.")
    workers: int = Field(default=1, ge=1, description="Processes that run `scorer`.")
    timeout_s: float = Field(default=30.0, gt=0, description="How long `scorer` may think about one row.")

    _timeout_in_whole_seconds = field_validator("timeout_s", mode="before")(_as_float)

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        if self.labels is not None:
            if len(set(self.labels)) != len(self.labels):
                raise ValueError("`labels` names a label twice")
            if len(self.labels) < 2:
                raise ValueError("`labels` needs at least two labels")
            if self.positive is not None and self.positive not in self.labels:
                raise ValueError(f"`positive: {self.positive}` is not one of the labels {list(self.labels)}")
            for label in self.aliases:
                if label not in self.labels:
                    raise ValueError(f"`aliases` names {label!r}, which is not one of the labels {list(self.labels)}")
        return self


class Limits(Section):
    """How hard the endpoint may be asked, and how long anything may take. Seconds, unless named otherwise."""

    concurrency: int = Field(default=1000, ge=1, description="The ceiling; the pool adapts below it.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Never start more than that; without it the pace is learned.")
    tokens_per_minute: int | None = Field(
        default=None, ge=1, description="Input and output tokens, estimated first and settled by the usage."
    )
    max_retries: int = Field(default=7, ge=0, description="Per row, not counting 429s and outages.")
    attempt_timeout_s: float = Field(default=600.0, gt=0, description="One request, sent to last byte read.")
    row_deadline_s: float = Field(default=3600.0, gt=0, description="Per row, waits for limits and outages not counted.")
    outage_budget_s: float = Field(default=1800.0, ge=0, description="How long the endpoint may be down before the run ends with 6.")
    wait_for_endpoint_s: float = Field(default=900.0, ge=0, description="The same before the first answer, while a server starts.")
    drain_s: float = Field(default=25.0, ge=0, description="How long a stop may take, three quarters of it for what is in flight.")

    @field_validator("attempt_timeout_s", "row_deadline_s", "outage_budget_s", "wait_for_endpoint_s", "drain_s", mode="before")
    @classmethod
    def _whole_seconds_are_seconds_too(cls, value: Any) -> Any:
        return _as_float(value)


class Budget(Section):
    """What a run may cost."""

    usd: float | None = Field(default=None, ge=0, description="Stop (exit 11) when so much is spent; over by at most what is in flight.")
    tokens: int | None = Field(default=None, ge=0, description="Likewise for input and output tokens together.")
    runtime: str | None = Field(default=None, description='The longest a launch may take, as in "90s", "45m", "6h"; then exit 75.')

    _usd_in_whole_dollars = field_validator("usd", mode="before")(_as_float)


class StopIf(Section):
    """Ends a hopeless run (exit 4): `unusable_share` of the rows so far unparsed, truncated or in error."""

    unusable_share: float = Field(default=0.5, gt=0, le=1, description="More than this share of unusable rows ends the run.")
    after: int = Field(default=200, ge=1, description="Not before so many rows of a launch are answered.")


class JudgeConfig(Section):
    """What `task: judge` asks of each answer, or of each pair of answers."""

    rubric: Template | None = Field(
        default=None, description="What a good answer is: a template as in `prompt`, or {file: path}. Needed unless `prompt` says it all."
    )
    scale: Annotated[tuple[float, ...], Strict(False)] = Field(
        default=(1.0, 5.0), description="[lowest, highest] rating, or [lowest, highest, step]; not for pairs."
    )

    @field_validator("scale", mode="before")
    @classmethod
    def _whole_numbers_are_ratings_too(cls, value: Any) -> Any:
        return tuple(map(_as_float, value)) if isinstance(value, list | tuple) else value

    @field_validator("scale")
    @classmethod
    def _is_a_scale(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        Scale.of(value)
        return value


class JournalConfig(Section):
    """What predictions.jsonl keeps."""

    prompts: bool = Field(default=True, description="Keep the rendered messages in predictions.jsonl.")


class MetricGate(Section):
    """A gate with more to say than `metric >= number`."""

    gate: str = Field(description='As in "recall >= 0.80".')
    min_rows: int = Field(default=1, ge=1, description="With fewer rows under the number it fails.")
    min_coverage: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="With a smaller share of rows answered it fails. Default: 0.9, or 1 - `max_error_rate` where that is less.",
    )

    _whole_numbers = field_validator("min_coverage", mode="before")(_as_float)


class RegressionGate(Section):
    """Not worse than a baseline, judged by the paired difference over the rows that both have."""

    regression: Text = Field(description="The metric.")
    margin: float | None = Field(
        default=None, ge=0, description="The loss that would be accepted, in the metric's own unit. Default: a hundredth of its range."
    )
    baseline: str = Field(
        default="latest",
        min_length=1,
        description="A run, or a file of `evalsvc baseline save`, relative to the config file; or latest: the newest complete run of this "
        "name before this one that no gate failed.",
    )
    on_inconclusive: Literal["pass", "fail"] = Field(default="pass", description="What to make of too few rows to tell.")

    _whole_numbers = field_validator("margin", mode="before")(_as_float)


# The tags of those gates that are mappings.
GATES: Mapping[str, type[Section]] = {"<metric>": MetricGate, "<regression>": RegressionGate}


def _kind_of_gate(value: Any) -> str | None:
    """None for what is none: no text and no mapping, or one with keys of both kinds, or of neither."""
    if isinstance(value, str):
        return "<text>"
    if not isinstance(value, dict):
        return next((tag for tag, kind in GATES.items() if isinstance(value, kind)), None)
    if named := [tag for tag, main in (("<metric>", "gate"), ("<regression>", "regression")) if main in value]:
        return named[0] if len(named) == 1 else None
    # misspelt: that of which more keys are known, or nearly so
    near = {tag: sum(bool(get_close_matches(str(key), kind.model_fields, n=1)) for key in value) for tag, kind in GATES.items()}
    return max(near, key=lambda tag: near[tag]) if any(near.values()) else None


Gate = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[MetricGate, Tag("<metric>")] | Annotated[RegressionGate, Tag("<regression>")],
    Discriminator(_kind_of_gate),
]


class Webhook(Section):
    """Whom to tell how a run ends, in signed JSON over HTTP."""

    url: str | None = Field(default=None, description="Where to, unless the address is a secret.")
    url_env: str = Field(default="EVALSVC_WEBHOOK_URL", description="Environment variable with the address, where `url` is not set.")
    secret_env: str = Field(
        default="EVALSVC_WEBHOOK_SECRET", description="Environment variable with the key of the signature; unset: unsigned."
    )
    on: Annotated[tuple[Literal["finish", "failure", "stall"], ...], Strict(False)] = Field(
        default=("finish", "failure", "stall"), description="What is told: finish, failure, stall."
    )
    stall_s: float = Field(default=600.0, gt=0, description="So long without one answer is a stall.")

    _whole_seconds = field_validator("stall_s", mode="before")(_as_float)

    @field_validator("url_env", "secret_env")
    @classmethod
    def _name_variables(cls, value: str) -> str:
        if not _ENVIRONMENT_VARIABLE.fullmatch(value):
            raise ValueError("expected the NAME of an environment variable; a secret itself never stands in a config")
        return value


class EvalConfig(Section):
    """One evaluation: a data set, a prompt, a model, and what counts as good."""

    name: Text = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Names the folder under runs/.")
    dataset: DatasetConfig
    prompt: PromptConfig = PromptConfig()
    model: ModelConfig
    task: Literal["classification", "generation", "translation", "summarization", "qa", "perplexity", "regression", "judge"] = Field(
        default="classification", description="What is asked of the model, and so how answers are scored."
    )
    judge: JudgeConfig = Field(default=JudgeConfig(), description="For `task: judge`.")
    scoring: Scoring = Scoring()
    metrics: Annotated[tuple[Named, ...], Strict(False)] = Field(default=(), description="Empty: the task's defaults, see docs/metrics.md.")
    slices: Texts = Field(default=(), description="Columns of the data set by whose values all metrics are shown too.")
    repeats: int = Field(default=1, ge=1, description="How often each row is asked.")
    limits: Limits = Limits()
    budget: Budget = Budget()
    gates: Annotated[tuple[Gate, ...], Strict(False)] = Field(
        default=(), description='What must hold, as in "recall >= 0.80" or {regression: accuracy, margin: 0.01}; else exit 3.'
    )
    max_error_rate: float = Field(default=0.01, ge=0, le=1, description="More rows in error than this share of all is exit 4.")
    stop_if: StopIf | None = Field(default=StopIf(), description="null turns it off.")
    journal: JournalConfig = JournalConfig()
    report_to: Annotated[tuple[Literal["mlflow", "wandb"], ...], Strict(False)] = Field(
        default=(), description="Where else each run is written down: mlflow, wandb; each an extra of its name."
    )
    webhook: Webhook | None = Field(default=None, description="Tell a URL when a run ends, fails or stalls.")

    # Where the file was, so that relative paths mean the same whatever the working directory; not a key of the file.
    base_dir: Path = Field(default_factory=Path.cwd, exclude=True)
