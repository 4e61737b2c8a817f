"""The batch call: a stream of requests in, one result a line out, in memory that does not grow.

Results go to a file without a name while the body is read, and are sent after its end: a client that
sends everything before it reads anything would otherwise wait for us as we wait for it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from hashlib import blake2b
from typing import IO, Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from dsr_core.errors import RejectedInput
from dsr_intake.application.limiting import Lease
from dsr_intake.application.room import Overloaded
from dsr_intake.http.access import PASSED_OVER, media_type
from dsr_intake.http.context import Context
from dsr_intake.http.doors import caller, lease
from dsr_intake.http.examples import BATCH, BATCH_RESULTS
from dsr_intake.http.lines import LINE_LIMIT, lines
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import no_hand_over, overloaded, verdict_problem
from dsr_intake.http.submission import parse_line
from dsr_intake.http.views import BASE
from dsr_intake.model import Accepted, Draft, Verdict
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem, from_error, problem_document

__all__ = ["LINES_LIMIT", "router"]

LINES_LIMIT = 100_000
_MEDIA = "application/x-ndjson"
_CHUNK_LINES = 500
_CHUNK_BYTES = 4_194_304
_IN_MEMORY = 1_048_576
_YIELD_EVERY = 25


def router(context: Context) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["subject requests"])

    @routes.post(
        f"{BASE}:batch",
        dependencies=[context.doors.needs(Scope.REQUESTS_SUBMIT)],
        summary="Submit many subject requests",
        description=(
            f"Takes one request a line, {LINES_LIMIT:,} lines of {LINE_LIMIT:,} bytes at most, each "
            "with its own `idempotency_key`, and answers with one result a line, in order: its "
            "`line` counted from 1, its `status`, and the `id` or the `problem`. Empty lines are "
            "passed over. A bad line is refused alone. After an interruption, send the same lines "
            "again: those that were accepted keep their ids. Each line counts as a call: a client that has "
            "used up its share is read more slowly."
        ),
        responses={
            200: answer(None, "One result a line", media=_MEDIA, example=BATCH_RESULTS),
            **problems(415),
        },
        openapi_extra={
            "requestBody": body({"type": "string"}, media=_MEDIA, examples={"one line": BATCH})
        },
    )
    async def submit(request: Request) -> Response:
        if media_type(request) != _MEDIA:
            raise Problem(415, "unsupported_media_type", f"send {_MEDIA}")
        context.drafter.check_ready()
        try:
            context.room.check()
        except Overloaded as fault:
            raise overloaded(context, fault, call="batch") from None
        with ExitStack() as kept:
            results = kept.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            batch = _Batch(context, caller(request).id, results, lease(request))
            await batch.take(request.stream())
            results.seek(0)
            kept.pop_all()
        headers = {"Connection": "close"} if batch.is_cut_off else None
        return StreamingResponse(_sent(results), media_type=_MEDIA, headers=headers)

    return routes


class _Batch:
    """One call's lines on their way."""

    def __init__(
        self, context: Context, client_id: str, results: IO[bytes], share: Lease | None
    ) -> None:
        self._context = context
        self._share = share
        self._client_id = client_id
        self._results = results
        self._seen: set[bytes] = set()
        self._chunk: list[tuple[int, Draft | Problem]] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None
        self._passed_over = 0
        self._no_hand_over: tuple[RejectedInput | None] | None = None
        """Why packages cannot be sent to the client's callback, once it was looked up."""

        self.is_cut_off = False
        """Whether the body went on and was not read to its end."""

    async def take(self, stream: AsyncIterator[bytes]) -> None:
        """Read to the end, or as far as is bearable; then what was accepted is durable."""
        number = 0
        try:
            async for some in lines(self._bounded(stream)):
                for line in some:
                    number += 1
                    if number <= LINES_LIMIT:
                        self._passed_over = 0
                        await self._take_line(number, line)
            await self._flush()
        finally:
            if self._writing is not None:
                await asyncio.wait([self._writing])
        if self._writing is not None:
            self._writing.result()
        if number > LINES_LIMIT:
            detail = (
                f"a batch has {LINES_LIMIT:,} lines at most; this one and the rest were refused"
            )
            self._write(LINES_LIMIT + 1, Problem(413, "too_many_lines", detail))

    async def _bounded(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a body until too much of it went by without a line that counts."""
        async for part in stream:
            self._passed_over += len(part)
            if self._passed_over > PASSED_OVER:
                self.is_cut_off = True
                return
            yield part

    async def _take_line(self, number: int, line: bytes | None) -> None:
        if line is not None and not line.strip():
            return
        self._chunk.append((number, await self._read(line)))
        self._size += len(line or b"")
        if len(self._chunk) >= _CHUNK_LINES or self._size >= _CHUNK_BYTES:
            await self._flush()
        elif len(self._chunk) % _YIELD_EVERY == 0:
            # Reading a line takes CPU, and others wait for theirs.
            await asyncio.sleep(0)

    async def _read(self, line: bytes | None) -> Draft | Problem:
        try:
            return await self._draft(line)
        except (Problem, RejectedInput) as fault:
            problem = from_error(fault)
            self._context.metrics.refused.labels("batch", problem.code).inc()
            return problem

    async def _draft(self, line: bytes | None) -> Draft:
        if line is None:
            raise Problem(413, "line_too_long", f"a line has {LINE_LIMIT:,} bytes at most")
        submission = parse_line(line)
        key = blake2b((submission.idempotency_key or "").encode(), digest_size=16).digest()
        if key in self._seen:
            detail = "this batch has an earlier line with the same idempotency key"
            raise Problem(422, "duplicate_idempotency_key", detail)
        draft = self._context.drafter.draft(submission, client_id=self._client_id, may_wait=False)
        if submission.hand_over:
            await self._check_hand_over(draft)
        self._seen.add(key)
        return draft

    async def _check_hand_over(self, draft: Draft) -> None:
        if self._no_hand_over is None:
            self._no_hand_over = (await no_hand_over(self._context, self._client_id),)
        [refusal] = self._no_hand_over
        if refusal is not None and not await self._context.batch.knows(draft):
            raise refusal

    async def _flush(self) -> None:
        """Start writing the chunk; the one before must be written first, since results have an order."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing
        if self._chunk:
            if self._share is not None:
                await self._share.take(len(self._chunk))
            chunk, self._chunk, self._size = self._chunk, [], 0
            self._writing = asyncio.create_task(self._accept(chunk))

    async def _accept(self, chunk: list[tuple[int, Draft | Problem]]) -> None:
        drafts = [one for _, one in chunk if isinstance(one, Draft)]
        verdicts = iter(await self._context.batch.accept(drafts))
        for number, one in chunk:
            self._write(number, next(verdicts) if isinstance(one, Draft) else one)

    def _write(self, number: int, result: Verdict | Problem) -> None:
        content: dict[str, Any]
        if isinstance(result, Accepted):
            content = {
                "line": number,
                "status": 202,
                "id": result.request_id,
                "cohort_id": result.cohort_id,
            }
        else:
            problem = result if isinstance(result, Problem) else verdict_problem(result)
            content = {
                "line": number,
                "status": problem.status,
                "problem": problem_document(problem),
            }
        self._results.write(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))


async def _sent(results: IO[bytes]) -> AsyncIterator[bytes]:
    with results:
        while part := results.read(65_536):
            yield part
