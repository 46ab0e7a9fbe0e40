// Server-sent events: a body in, events out. https://html.spec.whatwg.org/multipage/server-sent-events.html

function eventOf(lines) {
  const fields = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon === 0) continue; // a comment
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    fields[name] = name === "data" && name in fields ? `${fields[name]}\n${value}` : value;
  }
  if (!("data" in fields)) return null;
  const event = { name: fields.event ?? "message", data: JSON.parse(fields.data), id: fields.id ?? null };
  event.text = event.name === "stdout" || event.name === "stderr" ? event.data.data : "";
  return event;
}

// Yields the events of a ReadableStream of bytes. Leaving the loop early cancels the stream.
export async function* eventsOf(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let lines = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = parts.pop();
      for (const part of parts) {
        const line = part.replace(/\r$/, "");
        if (line !== "") {
          lines.push(line);
          continue;
        }
        const event = eventOf(lines);
        lines = [];
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
