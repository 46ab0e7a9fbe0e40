// The notebook's view. Its kernel is played here, so that every answer that a kernel may give is seen;
// kernel.mjs has real ones.
import { axeFindings, drawn, folder, newPage } from "./stage.mjs";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// By a cell's code: what it prints, and the fields of its result.
const ANSWERS = {
  table: ["", { results: [{ "text/plain": "   a", "text/html": "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>" }], result: "   a" }],
  figure: ["drawn\n", { results: [{ "image/png": PNG, "text/plain": "<Figure>" }] }],
  data: ["", { results: [{ "application/json": { a: [1, 2] } }, { "text/plain": "7" }], result: "7" }],
  wrong: ["", { status: "failed", exit_code: 1, error: { name: "ValueError", message: "no", traceback: "…" } }, "Traceback\nValueError: no\n"],
  late: ["", { warnings: ["The kernel is new: what the one before it held is gone (sleep)."], results: [], result: null }],
};

function eventsOf(code, count) {
  const [printed, fields, bad = ""] = ANSWERS[code] ?? ["", { results: [{ "text/plain": code }], result: code }];
  const result = { status: "completed", exit_code: 0, execution_count: count, warnings: [], ...fields };
  const events = [["start", {}], ["stdout", { data: printed, step: "run" }], ["stderr", { data: bad, step: "run" }], ["result", result]];
  return events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
}

// Plays the server's part. Returns what it was asked.
async function playKernel(page) {
  const asked = [];
  const files = new Map();
  let count = 0;
  const json = (route, status, value) => route.fulfill({ status, contentType: "application/json", body: JSON.stringify(value) });
  await page.route("**/api/v1/sessions**", (route) => {
    const request = route.request();
    asked.push([request.method(), new URL(request.url()).pathname, request.postDataJSON()]);
    json(route, 201, { session_id: "nb", workspace: true });
  });
  await page.route("**/api/v1/sessions/nb**", (route) => {
    asked.push([route.request().method(), "/nb"]);
    json(route, 200, { message: "Session nb cleaned up" });
  });
  await page.route("**/api/v1/sessions/nb/*", (route) => {
    const what = route.request().url().split("/").pop();
    if (what.startsWith("files")) {
      return json(route, 200, { items: [...files].map(([path, size]) => ({ path, type: "file", size })), next_cursor: null });
    }
    asked.push([route.request().method(), what]);
    count = what === "restart" ? 0 : count;
    return json(route, 200, { message: what });
  });
  await page.route("**/api/v1/sessions/nb/files/*", (route) => {
    const path = decodeURIComponent(route.request().url().split("/").pop());
    if (route.request().method() === "PUT") files.set(path, route.request().postDataBuffer()?.length ?? 0);
    else if (route.request().method() === "DELETE") files.delete(path);
    else return route.fulfill({ status: 200, body: "bytes" });
    return route.fulfill({ status: 204 });
  });
  await page.route("**/api/v1/execute", (route) => {
    const body = route.request().postDataJSON();
    asked.push(["run", body]);
    return route.fulfill({ status: 200, contentType: "text/event-stream", body: eventsOf(body.code, ++count) });
  });
  return asked;
}

async function open(options = {}) {
  const page = await newPage(options);
  const asked = await playKernel(page);
  if (await page.isHidden("#notebook")) await page.click("#notebook-choice");
  await page.waitForSelector(".cell");
  return { page, asked };
}

export const cell = (page, at) => page.locator(".cell").nth(at);

export async function type(page, at, code) {
  await cell(page, at).locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(code);
}

// Only these cells.
export async function cells(page, codes) {
  while (await page.locator(".cell").count() > 1) await cell(page, 0).getByRole("button", { name: "Remove" }).click();
  await type(page, 0, codes[0]);
  for (const [at, code] of codes.slice(1).entries()) {
    await page.click("text=+ Cell");
    await type(page, at + 1, code);
  }
}

// Nothing runs and nothing is to run, and what was printed is drawn. Between two cells of "Run all" no count is busy for a
// moment; the status is.
export async function idle(page) {
  await page.waitForFunction(() => !document.querySelector(".count.busy, [data-part=status].busy"));
  await drawn(page);
}

export const counts = (page) => page.$$eval(".count", (all) => all.map((one) => one.textContent));
const codes = (page) => page.$$eval(".cell-editor", (all) => all.map((one) => one.shadowRoot.querySelector(".cm-content").textContent));

export const notebook = {
  // Each kind of result, in order; a failure stops "Run all".
  results: async () => {
    const { page, asked } = await open();
    await cells(page, ["table", "figure", "data", "late", "wrong", "never"]);
    await page.click("text=Run all");
    await page.waitForFunction(() => document.querySelectorAll(".cell")[4].querySelector(".count.bad"));
    await idle(page);
    await page.waitForFunction(() => document.querySelector("iframe.made")?.style.height);
    const frame = await (await page.$("iframe.made")).contentFrame();
    const seen = {
      counts: await counts(page), table: await frame.textContent("td"),
      figure: [await cell(page, 1).locator("> pre").textContent(), await cell(page, 1).locator("img").count()],
      data: await cell(page, 2).locator(".cell-results pre").allTextContents(), late: await cell(page, 3).locator("> pre").textContent(),
      wrong: await cell(page, 4).locator(".stderr").textContent(),
      sessions: asked.filter(([method]) => method === "POST"), first: asked.find(([what]) => what === "run")[1],
      runs: asked.filter(([what]) => what === "run").length,
    };
    await page.screenshot({ path: `${folder}/notebook.png` });
    await page.context().close();
    return seen;
  },

  // Cells move, and Shift-Enter runs one and goes on; the keyboard alone does it.
  moves: async () => {
    const { page } = await open();
    await cells(page, ["one", "two"]);
    await cell(page, 1).getByRole("button", { name: "Move up" }).click();
    const moved = await codes(page);
    await page.keyboard.press("Shift+Enter"); // "two"
    await page.keyboard.press("Shift+Enter"); // "one", and then a new cell
    await page.keyboard.insertText("three");
    await page.keyboard.press("Control+Enter");
    await idle(page);
    const seen = [moved, await codes(page), await counts(page)];
    await page.click("[data-part=restart]");
    await page.waitForFunction(() => document.querySelector("[data-part=status]").textContent.startsWith("The kernel is new"));
    seen.push(await counts(page));
    await page.context().close();
    return seen;
  },

  // Files come by drag and drop, and are told; leaving the page deletes the session.
  workspace: async () => {
    const { page, asked } = await open();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["a,b\n1,2\n"], "a table.csv"));
      document.querySelector(".workspace").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.waitForSelector(".workspace li");
    const listed = await page.$$eval(".workspace li", (items) => items.map((item) => item.textContent));
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save a table.csv" }).click()]);
    await page.getByRole("button", { name: "Delete a table.csv" }).click();
    await page.waitForFunction(() => !document.querySelector(".workspace li"));
    await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide")));
    for (let i = 0; i < 300 && asked.at(-1)?.[0] !== "DELETE"; i++) await page.waitForTimeout(100);
    const seen = [listed, download.suggestedFilename(), asked.at(-1)];
    await page.context().close();
    return seen;
  },

  // A reload keeps the cells.
  reload: async () => {
    const { page } = await open({ path: "/#notebook" });
    await page.selectOption("[data-part=language]", "javascript");
    await cells(page, ["kept"]);
    await page.waitForFunction(() => sessionStorage.getItem("codecell.notebook")?.includes("kept"));
    await page.reload();
    await page.waitForSelector(".cell");
    const seen = [await codes(page), await page.$eval("[data-part=language]", (one) => one.value)];
    await page.context().close();
    return seen;
  },

  notebookLooks: async () => {
    const found = [];
    for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 360, height: 740 } }]) {
      const { page } = await open({ ...options, bypassCSP: true });
      await cells(page, ["table", "wrong"]);
      await page.click("text=Run all");
      await page.waitForFunction(() => document.querySelector(".count.bad"));
      await page.waitForFunction(() => document.querySelector("iframe.made")?.style.height);
      const name = options.viewport ? "phone" : options.colorScheme ?? "light";
      await page.screenshot({ path: `${folder}/notebook-${name}.png`, fullPage: Boolean(options.viewport) });
      found.push(...await axeFindings(page, `notebook ${name}`));
      if (options.viewport) found.push(await page.evaluate(() => document.documentElement.scrollWidth));
      await page.context().close();
    }
    return found;
  },
};
