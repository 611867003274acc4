/** A line or an event longer than this many characters ends the stream: nothing buffers without a bound. */
const longestItem = 4_000_000;

/** Lines of a UTF-8 body as they arrive, `\n` or `\r\n`; a last line without an end counts too. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestItem) throw new Error("a line of the stream is too long");
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

/** The `data` of each server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html); comments and other fields are skipped. */
export async function* serverSentEventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  let data: string[] = [];
  let length = 0;
  for await (const line of linesOf(body)) {
    if (line === "") {
      if (data.length > 0) yield data.join("\n");
      data = [];
      length = 0;
    } else if (line.startsWith("data:")) {
      data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
      length += line.length;
      if (length > longestItem) throw new Error("an event of the stream is too long");
    }
  }
}
