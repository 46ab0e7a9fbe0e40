// What a user of the JavaScript client does, against the server of CODECELL_URL: scenario names as arguments. Prints JSON.
import * as codecell from "codecell";

const { Codecell, CodecellError } = codecell;

async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof CodecellError)) throw error;
    return [error.name, error.status, error.detail, error.retryAfter, error.requestId !== null];
  }
  return null;
}

async function each(events) {
  const list = [];
  for await (const event of events) list.push(event);
  return list;
}

const scenarios = {
  async fields(client) {
    const result = await client.execute({
      code: "import os, sys; print(open('a.txt').read(), open('b.bin', 'rb').read(), sys.argv[1], input(), os.environ['W'])",
      language: "python", files: { "a.txt": "text", "b.bin": new Uint8Array([255, 0]) }, args: ["one"], stdin: "two\n",
      environment: { W: "three" }, timeout: 30, limits: { memory_mb: 128 },
    });
    return [result.stdout, result.exit_code, result.ok, result.language, result.status];
  },

  async ends(client) {
    const failed = await client.execute({ code: "exit 3", language: "bash" });
    const late = await client.execute({ code: "echo early; sleep 60", language: "bash", timeout: 5 });
    const value = await client.execute({ code: "1 + 1", language: "python", evaluate: true });
    return [failed.ok, failed.exit_code, late.timed_out, late.stdout, late.status, value.result];
  },

  errors(client) {
    const other = new Codecell({ key: "cc_wrong", retries: 0 });
    const away = new Codecell({ url: "http://127.0.0.1:9", retries: 0 });
    return Promise.all([
      () => client.execute({ code: "1", language: "klingon" }),
      () => client.execute({ code: "1", language: "bash", timeout: 0 }),
      () => other.execute({ code: "1", language: "bash" }),
      () => client.openSession("nobodys"),
      () => away.languages(),
    ].map(errorOf));
  },

  async batch(client) {
    const programs = [{ code: "echo 1", language: "bash" }, { code: "print(2)", language: "python" }];
    return (await client.batch(programs)).map((answer) => answer.stdout);
  },

  async background(client) {
    const job = await client.submit({ code: "sleep 0.3; echo done", language: "bash" });
    const first = job.last.status;
    const result = await job.wait({ timeout: 30 });
    const again = await (await client.job(job.id)).status();
    const slow = await client.submit({ code: "sleep 30", language: "bash" });
    const late = await slow.wait({ timeout: 0.5 }).catch((error) => error.name);
    const cancelled = (await slow.cancel()).status;
    return [first, result.stdout, again.done, again.result.stdout, late, cancelled];
  },

  async sessions(client) {
    const session = await client.session({ ttl_seconds: 60 });
    for (const word of ["one", "two"]) await session.execute({ code: `echo ${word}`, language: "bash" });
    const count = (await session.refresh()).executions;
    const records = (await session.executions()).map((record) => record.status);
    const listed = (await client.sessions()).some((one) => one.session_id === session.id);
    await session.delete();
    return [count, records, listed, (await errorOf(() => client.openSession(session.id)))[0]];
  },

  async lists(client) {
    const languages = (await client.languages()).map((language) => language.id);
    for (let i = 0; i < 3; i++) await client.execute({ code: "true", language: "bash" });
    const records = await client.executions({ language: "bash", limit: 2 });
    return [languages.includes("bash"), records.length >= 3, Boolean(await client.usage({ by: "language" }))];
  },

  async stream(client) {
    const events = await each(client.stream({ code: "echo out; echo err >&2; exit 4", language: "bash" }));
    const text = (name) => events.filter((event) => event.name === name).map((event) => event.text).join("");
    const last = events.at(-1);
    return [events[0].name, last.name, { stdout: text("stdout"), stderr: text("stderr") }, last.data.exit_code];
  },

  // A program in the background, from its beginning, and after an event that was read before.
  async follow(client) {
    const job = await client.submit({ code: "for i in 0 1 2 3 4 5 6 7 8 9; do printf $i; sleep 0.03; done", language: "bash" });
    const events = await each(job.events());
    const text = (list) => list.map((event) => event.text).join("");
    const outputs = events.filter((event) => event.text), last = outputs[Math.floor((outputs.length - 1) / 2)];
    const before = text(events.slice(0, events.indexOf(last) + 1)), behind = await each(job.events({ lastEventId: last.id }));
    return [events[0].name, events.at(-1).name, text(events), before + text(behind)];
  },

  async aborted(client) {
    const started = Date.now();
    const name = await client.execute({ code: "sleep 20", language: "bash" }, { signal: AbortSignal.timeout(300) })
      .catch((error) => error.name);
    return [name, Date.now() - started < 15000];
  },

  // A session's interpreter keeps its state, also after an exception.
  async kernel(client) {
    const session = await client.session({ workspace: true, language: "python", ttl_seconds: 60 });
    await session.runCell("x = 41");
    const failed = await session.runCell("1 / 0");
    const value = await session.runCell("x + 1");
    const idle = (await errorOf(() => session.interrupt()))[0];
    const restarted = await session.restart();
    const gone = await session.runCell("x");
    await session.delete();
    return [[failed.ok, failed.error.name, failed.execution_count], [value.result, value.results, value.execution_count],
            idle, restarted.message === `Kernel of session ${session.id} restarted`, [gone.error.name, gone.execution_count]];
  },

  async tries(_, retries) {
    const client = new Codecell({ retries });
    return client.execute({ code: "1", language: "bash" }).then((answer) => String(answer.exit_code), (error) => error.name);
  },
};

const told = {};
const client = new Codecell();
for (const argument of process.argv.slice(2)) {
  const [name, value] = argument.split("=");
  told[name] = await scenarios[name](client, Number(value));
}
console.log(JSON.stringify(told));
