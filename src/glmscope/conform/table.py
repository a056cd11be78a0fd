"""The numbered checks, one line each. DashScope protocol, section 9."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A check of the table: who has to see it hold, and what it says."""

    number: int
    who: str
    """P an official Python SDK, J the Java SDK, R raw HTTP, W a raw websocket."""
    text: str


def _rows(table: str) -> tuple[Row, ...]:
    rows = []
    for line in table.strip().splitlines():
        number, who, text = (part.strip() for part in line.split("|", 2))
        rows.append(Row(int(number), who, text))
    return tuple(rows)


ROWS = _rows("""
1  | P     | the page's Python program runs unchanged and prints the page's keys and nesting
2  | J     | the page's Java program runs unchanged: text filled, finish_reason stop
3  | R     | path, method and slash variants of the base URL reach generation
4  | R     | Bearer in any case is accepted, other schemes get 401
5  | R     | no key: 401 InvalidApiKey, JSON, UUID request_id equal to x-request-id
6  | P J   | wrong key: status 401, code InvalidApiKey
7  | R     | header names in any case; unknown headers ignored
8  | R     | charset or not, escaped or raw UTF-8: the same result
9  | P     | prompt alone, text form: text and finish_reason, no choices
10 | P J   | history as {user, bot} counts as the same turns in messages do
11 | J R   | history as pairs, and [], accepted
12 | P J   | messages and prompt through an SDK: the prompt is the last user turn
13 | R     | messages and prompt in one body: messages win
14 | R     | neither: 400 InvalidParameter; no input: BadRequest.EmptyInput
15 | R     | no model: BadRequest.EmptyModel; unknown: 404 ModelNotFound
16 | R     | parameters absent, null and {} are the same
17 | R     | unknown parameters, stream in parameters and resources are ignored
18 | R     | each parameter: bounds accepted; outside, wrong type and boolean refused
19 | P J   | a seed gives the same text again, also streamed and over websocket
20 | P     | temperature=0 and top_k=1 are greedy and identical
21 | P J   | max_tokens=5: 5 output tokens, length
22 | J     | max_length honoured, and not refused above the cap
23 | P J   | stop as string, list and token ids: absent from the output, reason stop
24 | R     | a stop string across two pieces is never shown in part
25 | P     | penalties change the output; 1.0 and 0 do not
26 | P J   | n=2 in message form: two choices with index 0 and 1
27 | P J   | logprobs and top_logprobs: shape; the bytes joined give the text
28 | R     | content as a list of text parts equals the joined string
29 | P     | emoji, control characters, U+2028, CR and 100 kB come through
30 | P J   | usage: input as the tokenizer counts, output without the end token
31 | R     | 6000 tokens pass; history is cut by whole turns; one long message refused
32 | R     | the system message survives the cutting
33 | R     | chatglm-6b-v2 with prompt, history and messages
34 | P J   | tools: shape of tool_calls; a second round with a tool message
35 | R     | tools refused for ChatGLM2; enable_search false accepted, true refused
36 | R     | X-DashScope-SSE alone or Accept alone choose a stream, parameters.stream does not
37 | R     | bytes of an event: ids from 1, LF, no space, one data line
38 | R     | stream headers: type, chunked, not encoded even when gzip is offered
39 | P J   | cumulative by default: each chunk begins the next, the last is the plain text
40 | P J   | incremental_output=True: the pieces joined are the plain text
41 | P J   | incremental_output=False: the last chunk is the whole text
42 | P J   | message form in streams: role and content in every chunk
43 | R     | running chunks say "null"; one real reason, in the last
44 | R     | usage in every chunk, output never falls; one request_id
45 | R     | the first chunk leaves long before the last; chunks are not batched
46 | R     | no chunk holds U+FFFD for a character split over tokens
47 | R     | no [DONE] on the native plane; ends with the zero chunk; connection reusable
48 | P J   | an error before a stream: real status, JSON body
49 | P J   | a failure inside a stream: code and message arrive, nothing after them
50 | P     | the 2.0 Client: plain, stream, exceptions by code; its async twin
51 | P     | AioGeneration: plain, stream in both modes, error
52 | R     | a client that leaves frees its slot within a second, streamed and plain
53 | R     | a comment appears in a long silence
54 | W P   | plain, stream and incremental over websocket; path with and without slash
55 | W J   | 30 calls on one connection: none hangs, none loses chunks, results held back
56 | W R   | frames in order; started and finished with empty payload; task id echoed
57 | W P J | task-failed at the start and in the middle; the connection is usable afterwards
58 | W R   | bad key: 401 Unauthorized before upgrade; pings answered; early close harmless
59 | W R   | fragments, deflate offer, unknown action, bad JSON do not kill the server
60 | P J   | tokenizer by prompt and by messages; the count equals usage
61 | P     | models: list, paging, get by name, unknown name
62 | P     | Conversation with auto_history over three rounds
63 | R     | async header: 403; unknown paths: 404 JSON; wrong verb: 405 JSON
64 | R     | broken JSON, array, empty and huge bodies: 4xx in JSON, server alive
65 | R     | overload: 429 Throttling with Retry-After on an open connection
66 | R     | no error text shows a trace, a file name or the key
67 | P R   | OpenAI plane: plain, stream with [DONE], include_usage, error object, models
68 | P J   | 50 parallel mixed calls: every answer belongs to its question
""")
