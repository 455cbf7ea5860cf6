"""Every type of problem document, for people: one row each. `GET /problems/{type}` shows a row.

The kinds of the engine's errors are among them; a test asserts that none is missing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    kind: str
    status: int
    title: str
    meaning: str
    remedy: str

    @property
    def of_jobs(self) -> bool:
        """Whether only jobs meet it."""
        return "job" in self.kind

    @property
    def uri(self) -> str:
        return f"/problems/{self.kind}"


PROBLEM_TYPES: dict[str, ProblemType] = {
    row.kind: row
    for row in (
        ProblemType(
            "bad-problem",
            422,
            "The request is not one that can be understood",
            "A field is missing, unknown, or holds something of another kind than is expected there.",
            "Look at the path in `errors`: it names the field. The models in /docs show every field and an example.",
        ),
        ProblemType(
            "bad-numbers",
            422,
            "These are not the numbers expected here",
            "Where finite numbers are expected there is text, true or false, null, a list with rows of different"
            " lengths, an empty list, or a number outside its range.",
            "Correct the entry that the path points to, such as network.layers[0].weights[2][1]; indices count from 0.",
        ),
        ProblemType(
            "shape-mismatch",
            422,
            "Two shapes do not fit together",
            "Two parts of the problem have shapes that cannot be combined; the sentence tells both.",
            "Compare the two shapes. Often a matrix is transposed: see `layout` (one example a row, or a column) and"
            " `orientation` (weights in_out or out_in).",
        ),
        ProblemType(
            "bad-labels",
            422,
            "The loss is not defined for these labels or predictions",
            "Labels or predictions are outside what the loss is defined for, or the last layer's activation is one that"
            " this loss cannot follow.",
            "GET /v1/catalog tells for every loss which labels, predictions and last layers it takes.",
        ),
        ProblemType(
            "bad-expression",
            422,
            "An expression cannot be read",
            "An expression is not Python arithmetic (+ - * / ** @, parentheses, numbers) and calls of known ops, with"
            " one name on its left.",
            "Write one assignment an expression, such as 'u = tanh(W @ x + b)'. GET /v1/catalog lists the ops.",
        ),
        ProblemType(
            "unknown-name",
            422,
            "A name stands for nothing here",
            "An op, activation, loss, node or quantity of this name does not exist.",
            "The sentence offers the nearest name that does exist. Names are case-sensitive: W1, dW1, Z2/A1, dA1/dW1.",
        ),
        ProblemType(
            "name-collision",
            422,
            "One name would stand for two things",
            "A name is given twice, or is also a derived one: de is the derivative with respect to e, and W_new the"
            " parameter W after one step.",
            "Rename one of the two.",
        ),
        ProblemType(
            "not-scalar",
            422,
            "The output is not a single number",
            "Gradients are of one number, but the output of this graph is a list or a matrix.",
            "End with a sum, a mean or a loss, or name another node as `output`.",
        ),
        ProblemType(
            "not-finite",
            422,
            "The result is not finite",
            "The numbers given are finite, but what is computed from them overflows or is undefined, as log(0) is.",
            "Take smaller numbers, or a form that is stable: cross_entropy_with_logits instead of log(softmax(…)).",
        ),
        ProblemType(
            "too-large",
            422,
            "More than is computed at once",
            "The problem has more nodes, numbers or work than one request may ask for.",
            "Take fewer examples, units, steps, submissions or Jacobians. For a check, method 'directional' costs least.",
        ),
        ProblemType(
            "key-refuted",
            500,
            "A gradient could not be confirmed",
            "Two independent methods disagree about a gradient of this problem, so no answer is given rather than one"
            " that may be wrong. This is a fault of Verigrad, not of the request.",
            "Report the request to whoever runs this service: it has been logged as an alarm.",
        ),
        ProblemType(
            "key-unconfirmed",
            422,
            "A gradient can be neither confirmed nor refuted",
            "The second method that must confirm every answer key could not tell on this problem, for example because a"
            " derivative is not finite there. Nobody is graded by a key that is not confirmed.",
            "Look at /v1/gradients for the problem: its certificate says which. Smaller numbers usually help.",
        ),
        ProblemType(
            "malformed-json",
            422,
            "The body is not JSON",
            "The body of the request cannot be read as JSON. NaN and Infinity are not JSON, nor are trailing commas.",
            "Look at the line and column in the sentence. Most languages have a function that writes JSON.",
        ),
        ProblemType(
            "body-too-large",
            413,
            "The body is too large",
            "The body of the request has more bytes than this service accepts.",
            "Send less at once. Whoever runs this service can raise the limit with VERIGRAD_MAX_BODY.",
        ),
        ProblemType(
            "no-key",
            401,
            "A key is needed",
            "The request came without a key, or with one that this service does not know.",
            "Send the header `Authorization: Bearer <key>`. Keys come from whoever runs this service.",
        ),
        ProblemType(
            "not-allowed",
            403,
            "This key may not do that",
            "The key is known, but what is asked for is not within its scope. A grader's key may only grade, and never"
            " sees an answer.",
            "Use a key with the scope that the sentence names, or ask for less.",
        ),
        ProblemType(
            "keys-unavailable",
            503,
            "Nobody can tell which keys are good",
            "The keys of this service are in a database that has not answered since the service began.",
            "Send it again after as many seconds as Retry-After says. If it stays so, tell whoever runs this service.",
        ),
        ProblemType(
            "too-many-requests",
            429,
            "Too many requests",
            "This client has sent more requests in a minute than this service takes from one.",
            "Wait for as many seconds as the header `Retry-After` tells. For many students, use /v1/grade/batch.",
        ),
        ProblemType(
            "too-much-work",
            422,
            "This takes longer than one request may",
            "The work was estimated before it began, and is more than this service does while a client waits.",
            "Post it to /v1/jobs, where training, checks and batches may take longer, or ask for less at once.",
        ),
        ProblemType(
            "busy",
            503,
            "Too much to do just now",
            "More requests are waiting than this service takes on.",
            "Try again after as many seconds as the header `Retry-After` tells.",
        ),
        ProblemType(
            "work-lost",
            503,
            "The work was lost",
            "The process that worked on this request ended before it was done, for example because memory ran out.",
            "Try again. If it happens again, ask for less at once.",
        ),
        ProblemType(
            "deadline-exceeded",
            504,
            "It took too long",
            "The work took longer than this service allows one request, and was ended.",
            "Ask for less at once, or post it to /v1/jobs.",
        ),
        ProblemType(
            "job-unfinished",
            409,
            "The job is not finished yet",
            "There is no result before a job is finished.",
            "Follow /v1/jobs/{id}/events, or ask for /v1/jobs/{id} now and then, until it is.",
        ),
        ProblemType(
            "job-finished",
            409,
            "The job is finished already",
            "Only a job that is queued or running can be cancelled.",
            "Look at its status and, if it succeeded, at /v1/jobs/{id}/result.",
        ),
        ProblemType(
            "no-result",
            409,
            "The job left no result",
            "The job was cancelled, or failed before there was anything to keep.",
            "Look at `error` in /v1/jobs/{id}: it says why. Then submit a job anew.",
        ),
        ProblemType(
            "idempotency-conflict",
            409,
            "This Idempotency-Key was used for another job",
            "The key belongs to a job that was submitted with another body.",
            "Take a new key for each job; repeat a key only to repeat the very same request.",
        ),
        ProblemType(
            "too-many-jobs",
            429,
            "Too many jobs at once",
            "As many jobs as one key may have are queued or running.",
            "Wait until some are finished (Retry-After says how long to wait before the next try), or cancel some. Whoever"
            " runs this service can raise the limit with VERIGRAD_MAX_JOBS.",
        ),
        ProblemType(
            "jobs-unavailable",
            503,
            "Jobs cannot be reached at the moment",
            "The database where jobs are kept does not answer. Everything else works.",
            "Try again soon. Whoever runs this service finds the reason in its log.",
        ),
        ProblemType(
            "jobs-storage-full",
            507,
            "There is no room for this job",
            "The disk where jobs are kept is full. Nothing that was accepted is lost, and everything else works.",
            "Try again later. Whoever runs this service can make room; it then goes on by itself.",
        ),
        ProblemType(
            "job-diverged",
            422,
            "The training diverged",
            "A cost or a parameter is no longer finite. The result holds the last parameters that were.",
            "Lower the learning rate, as the sentence says, and submit the job anew.",
        ),
        ProblemType(
            "job-out-of-memory",
            422,
            "The job needed too much memory",
            "The job needed more memory than a job may take.",
            "Take fewer examples, a smaller batch_size or a smaller network. Whoever runs this service can raise the limit"
            " with VERIGRAD_JOB_MEMORY.",
        ),
        ProblemType(
            "job-timed-out",
            422,
            "The job took too long",
            "The job worked for as long as a job may. The result holds what its last checkpoint had, if it wrote one.",
            "Ask for fewer epochs, and start the next job from the parameters of this one. Whoever runs this service can"
            " raise the limit with VERIGRAD_JOB_SECONDS.",
        ),
        ProblemType(
            "job-lost",
            500,
            "The job lost its process again and again",
            "The process that worked on the job ended by itself several times in a row, without getting any further. The"
            " result holds what the last checkpoint had, if there is one.",
            "Submit the job once more; if it happens again, report it to whoever runs this service.",
        ),
        ProblemType(
            "not-found",
            404,
            "There is nothing here",
            "No resource has this address.",
            "Check the address: /docs lists all there are.",
        ),
        ProblemType(
            "method-not-allowed",
            405,
            "This address takes another method",
            "The address exists, but not for this method: problems are sent with POST, all else is read with GET.",
            "The Allow header names the methods that the address takes.",
        ),
        ProblemType(
            "malformed-http",
            400,
            "This is not a request in HTTP/1.1",
            "The bytes that arrived are no request, or its length is told twice or in two ways, so that nobody can be sure"
            " where it ends.",
            "Send it with a library for HTTP. Where there is a proxy between, look at what it makes of the request.",
        ),
        ProblemType(
            "too-slow",
            408,
            "The request did not arrive in time",
            "Its headers or its body took longer than this service waits.",
            "Send it again. Whoever runs this service can wait longer with VERIGRAD_HEADER_TIMEOUT and"
            " VERIGRAD_BODY_TIMEOUT.",
        ),
        ProblemType(
            "header-too-large",
            431,
            "The headers are too large",
            "The request's line and headers have more bytes than this service accepts, or there are too many of them.",
            "Send less in the address and in cookies. Whoever runs this service can raise the limit with"
            " VERIGRAD_MAX_HEADER.",
        ),
        ProblemType(
            "unsupported-http",
            501,
            "This part of HTTP is not supported here",
            "The request is valid, but asks for something of HTTP that this service does not do.",
            "Send the body with a Content-Length, or with Transfer-Encoding: chunked and no other coding.",
        ),
        ProblemType(
            "unsupported-http-version",
            505,
            "This version of HTTP is not supported here",
            "The request is in another version of HTTP than 1.1 or 1.0.",
            "Send it in HTTP/1.1. A proxy in front of this service can speak the other versions.",
        ),
        ProblemType(
            "too-many-at-once",
            503,
            "Too much is open at once",
            "More connections are open, or more requests are under way on one of them, than this service holds.",
            "Wait for as long as Retry-After says, and send it again. Use a connection for many requests, and close it.",
        ),
        ProblemType(
            "internal-error",
            500,
            "Something went wrong inside",
            "The service met a fault of its own. Nothing about the request is known to be wrong.",
            "Report the request to whoever runs this service: the fault is in its log.",
        ),
    )
}
