"""The API's requests and answers as types. Made from /openapi.json by clients/types/make: do not edit."""
from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union


class Error(TypedDict):
    detail: str  # one sentence that says what is wrong


class Message(TypedDict):
    message: str  # what was done


class _ExecuteRequestFilesRequired(TypedDict):
    path: str  # its path, relative to the program's folder
    content: str  # its text, or its bytes in base64


class ExecuteRequestFiles(_ExecuteRequestFilesRequired, total=False):
    encoding: Optional[Literal["utf8", "base64"]]  # of content


class ExecuteRequestLimits(TypedDict, total=False):
    cpu: Optional[float]  # processors
    memory_mb: Optional[int]  # resident memory and shared memory outside /tmp, in MiB
    disk_mb: Optional[int]  # all that the program writes, in MiB
    processes: Optional[int]  # processes and threads at once
    output_kb: Optional[int]  # output that is kept of each stream, in KiB


class _ExecuteRequestRequired(TypedDict):
    code: str  # the program


class ExecuteRequest(_ExecuteRequestRequired, total=False):
    language: Optional[Union[LanguageId, str]]  # an id or an alias of a language
    stdin: Optional[str]  # standard input, followed by end-of-file
    environment: Optional[Dict[str, str]]  # variables for the compiler and the program
    timeout: Optional[int]  # seconds that the program may run
    session_id: Optional[str]  # groups executions of one key
    args: Optional[List[str]]  # the program's arguments
    files: Optional[List[ExecuteRequestFiles]]  # files beside the program
    limits: Optional[ExecuteRequestLimits]  # limits other than the language's own
    version: Optional[str]  # which version of the language
    outputs: Optional[List[str]]  # paths or globs of files to bring back when the program has ended
    evaluate: Optional[bool]  # also answer result and error
    kernel: Optional[bool]  # run in the workspace's interpreter, which keeps its state
    stream: Optional[bool]  # answer server-sent events


class _BatchItemFilesRequired(TypedDict):
    path: str  # its path, relative to the program's folder
    content: str  # its text, or its bytes in base64


class BatchItemFiles(_BatchItemFilesRequired, total=False):
    encoding: Optional[Literal["utf8", "base64"]]  # of content


class BatchItemLimits(TypedDict, total=False):
    cpu: Optional[float]  # processors
    memory_mb: Optional[int]  # resident memory and shared memory outside /tmp, in MiB
    disk_mb: Optional[int]  # all that the program writes, in MiB
    processes: Optional[int]  # processes and threads at once
    output_kb: Optional[int]  # output that is kept of each stream, in KiB


class _BatchItemRequired(TypedDict):
    code: str  # the program


class BatchItem(_BatchItemRequired, total=False):
    language: Optional[Union[LanguageId, str]]  # an id or an alias of a language
    stdin: Optional[str]  # standard input, followed by end-of-file
    environment: Optional[Dict[str, str]]  # variables for the compiler and the program
    timeout: Optional[int]  # seconds that the program may run
    session_id: Optional[str]  # groups executions of one key
    args: Optional[List[str]]  # the program's arguments
    files: Optional[List[BatchItemFiles]]  # files beside the program
    limits: Optional[BatchItemLimits]  # limits other than the language's own
    version: Optional[str]  # which version of the language
    outputs: Optional[List[str]]  # paths or globs of files to bring back when the program has ended
    evaluate: Optional[bool]  # also answer result and error
    kernel: Optional[bool]  # run in the workspace's interpreter, which keeps its state


class _AsyncRequestFilesRequired(TypedDict):
    path: str  # its path, relative to the program's folder
    content: str  # its text, or its bytes in base64


class AsyncRequestFiles(_AsyncRequestFilesRequired, total=False):
    encoding: Optional[Literal["utf8", "base64"]]  # of content


class AsyncRequestLimits(TypedDict, total=False):
    cpu: Optional[float]  # processors
    memory_mb: Optional[int]  # resident memory and shared memory outside /tmp, in MiB
    disk_mb: Optional[int]  # all that the program writes, in MiB
    processes: Optional[int]  # processes and threads at once
    output_kb: Optional[int]  # output that is kept of each stream, in KiB


class AsyncRequestWebhook(TypedDict):
    url: str  # the execution is posted there when it is done
    secret: str  # which the posts are signed with


class _AsyncRequestRequired(TypedDict):
    code: str  # the program


class AsyncRequest(_AsyncRequestRequired, total=False):
    language: Optional[Union[LanguageId, str]]  # an id or an alias of a language
    stdin: Optional[str]  # standard input, followed by end-of-file
    environment: Optional[Dict[str, str]]  # variables for the compiler and the program
    timeout: Optional[int]  # seconds that the program may run
    session_id: Optional[str]  # groups executions of one key
    args: Optional[List[str]]  # the program's arguments
    files: Optional[List[AsyncRequestFiles]]  # files beside the program
    limits: Optional[AsyncRequestLimits]  # limits other than the language's own
    version: Optional[str]  # which version of the language
    outputs: Optional[List[str]]  # paths or globs of files to bring back when the program has ended
    evaluate: Optional[bool]  # also answer result and error
    kernel: Optional[bool]  # run in the workspace's interpreter, which keeps its state
    webhook: Optional[AsyncRequestWebhook]  # who is told when it is done


BatchRequest = List["BatchItem"]


class ExecuteAnswerCompile(TypedDict):
    stdout: str  # what the compiler wrote to standard output
    stderr: str  # what the compiler wrote to standard error
    exit_code: int  # the compiler's
    execution_time: Optional[float]  # seconds that the compiler ran


class ExecuteAnswerFiles(TypedDict):
    path: str  # relative to the working folder
    content: str  # its bytes
    encoding: Literal["base64"]  # of content
    size: int  # bytes
    type: str  # its MIME type, by its name and its first bytes


class ExecuteAnswerError(TypedDict):
    name: Optional[str]  # of the exception, such as ValueError
    message: Optional[str]  # of the exception
    traceback: Optional[str]  # as the language prints it


class _ExecuteAnswerRequired(TypedDict):
    execution_id: str  # of its record
    stdout: str  # what the program wrote to standard output
    stderr: str  # what the program, or its compiler, wrote to standard error
    exit_code: int  # 0: success; 124: timed out; 128 + n: ended by signal n
    execution_time: float  # seconds that the program ran
    language: str  # the language's id
    session_id: Optional[str]  # as given, or null
    version: str  # of the language
    status: Literal["completed", "failed", "timed_out", "out_of_memory", "compile_failed", "cancelled"]  # how it ended
    signal: Optional[str]  # the name of the signal that ended it, or null
    timed_out: bool  # it ran for longer than its timeout
    stdout_truncated: bool  # it wrote more than the limit
    stderr_truncated: bool  # it wrote more than the limit
    cpu_time: Optional[float]  # seconds of all its processes, or null
    memory_mb: Optional[float]  # its peak in MiB, or null
    compile: Optional[ExecuteAnswerCompile]  # what the compiler did, or null
    queue_time: Optional[float]  # seconds that it waited, or null
    warnings: List[str]  # sentences about what the client should know


class ExecuteAnswer(_ExecuteAnswerRequired, total=False):
    attempts: int  # in the background: how often it was started
    files: List[ExecuteAnswerFiles]  # with outputs: what came back, sorted by path
    results: List[Dict[str, Any]]  # with kernel: what was shown, each as {MIME type: data}
    result: Optional[str]  # with evaluate or kernel: the last expression's value, or null
    error: Optional[ExecuteAnswerError]  # with evaluate or kernel: the exception, or null
    execution_count: Optional[int]  # with kernel: how many executions it has had, or null


class TimedOutAnswerCompile(TypedDict):
    stdout: str  # what the compiler wrote to standard output
    stderr: str  # what the compiler wrote to standard error
    exit_code: int  # the compiler's
    execution_time: Optional[float]  # seconds that the compiler ran


class TimedOutAnswerFiles(TypedDict):
    path: str  # relative to the working folder
    content: str  # its bytes
    encoding: Literal["base64"]  # of content
    size: int  # bytes
    type: str  # its MIME type, by its name and its first bytes


class TimedOutAnswerError(TypedDict):
    name: Optional[str]  # of the exception, such as ValueError
    message: Optional[str]  # of the exception
    traceback: Optional[str]  # as the language prints it


class _TimedOutAnswerRequired(TypedDict):
    detail: str  # one sentence that says what is wrong
    execution_id: str  # of its record
    stdout: str  # what the program wrote to standard output
    stderr: str  # what the program, or its compiler, wrote to standard error
    exit_code: int  # 0: success; 124: timed out; 128 + n: ended by signal n
    execution_time: float  # seconds that the program ran
    language: str  # the language's id
    session_id: Optional[str]  # as given, or null
    version: str  # of the language
    status: Literal["completed", "failed", "timed_out", "out_of_memory", "compile_failed", "cancelled"]  # how it ended
    signal: Optional[str]  # the name of the signal that ended it, or null
    timed_out: bool  # it ran for longer than its timeout
    stdout_truncated: bool  # it wrote more than the limit
    stderr_truncated: bool  # it wrote more than the limit
    cpu_time: Optional[float]  # seconds of all its processes, or null
    memory_mb: Optional[float]  # its peak in MiB, or null
    compile: Optional[TimedOutAnswerCompile]  # what the compiler did, or null
    queue_time: Optional[float]  # seconds that it waited, or null
    warnings: List[str]  # sentences about what the client should know


class TimedOutAnswer(_TimedOutAnswerRequired, total=False):
    attempts: int  # in the background: how often it was started
    files: List[TimedOutAnswerFiles]  # with outputs: what came back, sorted by path
    results: List[Dict[str, Any]]  # with kernel: what was shown, each as {MIME type: data}
    result: Optional[str]  # with evaluate or kernel: the last expression's value, or null
    error: Optional[TimedOutAnswerError]  # with evaluate or kernel: the exception, or null
    execution_count: Optional[int]  # with kernel: how many executions it has had, or null


AnyAnswer = Union["ExecuteAnswer", "TimedOutAnswer", "Error"]


FailedAnswer = Union["TimedOutAnswer", "Error"]


BatchAnswer = List["AnyAnswer"]


class AcceptedExecutionWebhook(TypedDict):
    status: Literal["pending", "delivered", "failed"]
    attempts: int  # tries so far
    last_error: Optional[str]  # why the last try failed
    next_attempt_at: Optional[str]  # null: there is none


class _AcceptedExecutionRequired(TypedDict):
    execution_id: str
    status: Literal["pending", "running", "completed", "failed"]  # failed: it has any other end than completed
    created_at: str
    started_at: Optional[str]  # null: not yet
    completed_at: Optional[str]  # null: not yet
    result: Optional[Union[AnyAnswer, None]]  # what POST /api/v1/execute would have answered; null: not yet


class AcceptedExecution(_AcceptedExecutionRequired, total=False):
    webhook: AcceptedExecutionWebhook  # if the request named one


class _ExecutionRequired(TypedDict):
    execution_id: str
    session_id: Optional[str]  # of its session, or null
    language: str  # the language's id
    version: Optional[str]  # of the language; null until it is known
    # how it ended, or pending, running or lost
    status: Literal["pending", "running", "completed", "failed", "timed_out", "out_of_memory", "compile_failed",
                    "cancelled", "lost"]
    exit_code: Optional[int]  # null unless it ended by itself
    created_at: str  # when it was accepted
    started_at: Optional[str]  # null: not yet
    completed_at: Optional[str]  # null: not yet
    execution_time: Optional[float]  # seconds that the program ran
    queue_time: Optional[float]  # seconds that it waited
    cpu_time: Optional[float]  # seconds of all its processes
    memory_mb: Optional[float]  # its peak in MiB
    code_bytes: int  # the length of its code
    stdout_bytes: Optional[int]  # null: it has not ended
    stderr_bytes: Optional[int]  # null: it has not ended
    attempts: int  # how often it was started


class Execution(_ExecutionRequired, total=False):
    code: str  # if the server's settings keep it
    stdout: str  # if the server's settings keep it
    stderr: str  # if the server's settings keep it


class Executions(TypedDict):
    items: List[Execution]
    next_cursor: Optional[str]  # for the next page; null: this is the last


class SessionRequestLimits(TypedDict, total=False):
    cpu: Optional[float]  # processors
    memory_mb: Optional[int]  # resident memory and shared memory outside /tmp, in MiB
    disk_mb: Optional[int]  # all that the program writes, in MiB
    processes: Optional[int]  # processes and threads at once
    output_kb: Optional[int]  # output that is kept of each stream, in KiB


class SessionRequest(TypedDict, total=False):
    session_id: Optional[str]  # its name; without one the server makes it up
    ttl_seconds: Optional[int]  # seconds that it lives after each use
    workspace: Optional[bool]  # its executions share one folder
    durable: Optional[bool]  # the folder is saved before each answer
    language: Optional[Union[LanguageId, str]]  # an id or an alias of a language
    version: Optional[str]  # which version of the language
    limits: Optional[SessionRequestLimits]  # limits other than the language's own
    environment: Optional[Dict[str, str]]  # variables for the compiler and the program


class SessionChange(TypedDict, total=False):
    ttl_seconds: Optional[int]  # seconds that it lives after each use


class _SessionRequired(TypedDict):
    session_id: str
    created_at: str
    last_used_at: str
    expires_at: Optional[str]  # null: never
    workspace: bool  # its executions share a folder
    # tracking: without a workspace; lost: its files are gone
    state: Literal["tracking", "asleep", "ready", "busy", "lost"]
    state_reason: Optional[str]  # why it is lost, or null
    language: Optional[str]  # whose image the workspace has
    bytes: int  # of its files
    executions: int  # how many it has had
    total_execution_time: float  # seconds
    durable: bool  # its folder is saved before each answer
    version: Optional[str]  # as given, or null


class Session(_SessionRequired, total=False):
    languages: Optional[List[str]]  # of a workspace: what can run in it; null: not known yet


class _ChangedSessionRequired(TypedDict):
    session_id: str
    created_at: str
    last_used_at: str
    expires_at: Optional[str]  # null: never
    workspace: bool  # its executions share a folder
    # tracking: without a workspace; lost: its files are gone
    state: Literal["tracking", "asleep", "ready", "busy", "lost"]
    state_reason: Optional[str]  # why it is lost, or null
    language: Optional[str]  # whose image the workspace has
    bytes: int  # of its files
    executions: int  # how many it has had
    total_execution_time: float  # seconds
    durable: bool  # its folder is saved before each answer
    version: Optional[str]  # as given, or null
    warnings: List[str]  # the request's unknown fields


class ChangedSession(_ChangedSessionRequired, total=False):
    languages: Optional[List[str]]  # of a workspace: what can run in it; null: not known yet


class Sessions(TypedDict):
    items: List[Session]
    next_cursor: Optional[str]  # for the next page; null: this is the last


class FileInfo(TypedDict):
    path: str
    type: Literal["file", "directory", "link", "other"]
    size: int  # bytes
    modified_at: str
    mode: str  # its permissions, as four octal digits


class FileInfos(TypedDict):
    items: List[FileInfo]
    next_cursor: Optional[str]  # for the next page; null: this is the last


Bytes = bytes


Form = Dict[str, "Bytes"]


class UsageTotal(TypedDict):
    executions: int  # executions that have ended
    completed: int  # of these, with exit code 0
    credits: int  # prepaid credits that were taken
    execution_time: float  # seconds
    cpu_time: float  # seconds
    output_bytes: int  # bytes of stdout and stderr


class _UsageItemsRequired(TypedDict):
    executions: int  # executions that have ended
    completed: int  # of these, with exit code 0
    credits: int  # prepaid credits that were taken
    execution_time: float  # seconds
    cpu_time: float  # seconds
    output_bytes: int  # bytes of stdout and stderr


class UsageItems(_UsageItemsRequired, total=False):
    day: str  # if items stand for days
    language: str  # if items stand for languages


Usage = TypedDict("Usage", {
    "key_id": str,
    "from": str,
    "to": str,
    "by": Literal["day", "language"],
    "total": "UsageTotal",
    "items": List["UsageItems"],
    "next_cursor": None,
})


class LanguagePackages(TypedDict):
    name: str
    version: str


class LanguageLimits(TypedDict):
    cpu: float  # processors
    memory_mb: int
    disk_mb: int
    processes: int  # processes and threads at once
    output_kb: int  # of each stream


class LanguageLeastLimits(TypedDict):
    cpu: float  # processors
    memory_mb: int
    disk_mb: int
    processes: int  # processes and threads at once
    output_kb: int  # of each stream


class _LanguageExampleRequired(TypedDict):
    code: str
    stdout: str  # what it prints; it ends with exit code 0


class LanguageExample(_LanguageExampleRequired, total=False):
    stdin: str


class Language(TypedDict):
    id: str
    name: str  # for people
    version: Optional[str]  # the default version
    versions: List[str]  # those that can run, the default version first
    aliases: List[str]  # other names for it, or for a version of it
    file: str  # the file that the code is written to
    compiled: bool  # it has a compile step
    packages: List[LanguagePackages]  # of the default version
    limits: LanguageLimits  # which a request can change
    least_limits: LanguageLeastLimits  # what a program of one line needs
    example: LanguageExample  # a program


class Languages(TypedDict):
    languages: List[Language]


LanguageIds = List["LanguageId"]


LanguageId = str


class HealthChecks(TypedDict):
    server: Literal["ok", "unavailable"]  # it is up


class Health(TypedDict):
    status: Literal["ok", "unavailable"]
    version: str  # of Codecell
    checks: HealthChecks


class _ReadinessChecksRequired(TypedDict):
    database: Literal["ok", "unavailable"]  # records can be written
    engine: Literal["ok", "unavailable"]  # it answers, and cells can be made
    languages: Literal["ok", "unavailable"]  # at least one can run
    server: Literal["ok", "unavailable"]  # unavailable: it shuts down
    isolation: Literal["capsule", "container", "unavailable"]  # what parts programs from each other


class ReadinessChecks(_ReadinessChecksRequired, total=False):
    isolation_reason: str  # why it is not the one that the settings ask for


class Readiness(TypedDict):
    status: Literal["ok", "unavailable"]
    version: str  # of Codecell
    checks: ReadinessChecks


Document = Dict[str, Any]


Events = str


Text = str
