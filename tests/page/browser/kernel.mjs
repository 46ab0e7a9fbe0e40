// The notebook with the server's own kernels.
import { folder, key, newPage, url } from "./stage.mjs";
import { cell, cells, counts, idle, type } from "./notebook.mjs";

async function open(language) {
  const page = await newPage();
  await page.click("#notebook-choice");
  await page.waitForSelector(".cell");
  await page.selectOption("[data-part=language]", language);
  return page;
}

async function sessions() {
  const answer = await fetch(`${url}/api/v1/sessions`, { headers: { "X-API-Key": key } });
  return (await answer.json()).items;
}

const output = (page, at) => cell(page, at).locator("> pre").textContent();
const result = (page, at) => cell(page, at).locator(".cell-results pre").first().textContent();

async function runAll(page) {
  await page.click("text=Run all");
  await idle(page);
}

export const kernel = {
  pythonKernel: async () => {
    const page = await open("python");
    await cells(page, ["x = 20\nprint('set')", "x + 1", "import matplotlib.pyplot as plt\n_ = plt.plot([1, 3, 2])",
      "import pandas\npandas.DataFrame({'a': [1, 2]})", "1 / 0"]);
    await runAll(page);
    await page.waitForFunction(() => document.querySelector("iframe.made")?.style.height);
    const frame = await (await page.$("iframe.made")).contentFrame();
    const seen = {
      counts: await counts(page), printed: await output(page, 0), result: await result(page, 1),
      figure: await cell(page, 2).locator("img").evaluate((image) => image.naturalWidth > 100),
      table: (await frame.textContent("table")).replace(/\s+/g, " ").trim(), error: await output(page, 4),
    };
    await page.screenshot({ path: `${folder}/kernel.png` });
    await type(page, 4, "import time\nprint('asleep', flush=True)\ntime.sleep(100)");
    await cell(page, 4).getByRole("button", { name: "Run" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".cell > pre")[4].textContent.includes("asleep"));
    await page.click("[data-part=interrupt]");
    await idle(page);
    seen.interrupted = (await output(page, 4)).includes("KeyboardInterrupt");
    await type(page, 4, "x");
    await cell(page, 4).getByRole("button", { name: "Run" }).click();
    await idle(page);
    seen.kept = await result(page, 4);
    await page.setInputFiles(".workspace input", { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("from outside") });
    await page.waitForSelector("text=a.txt is there.");
    await type(page, 4, "open('a.txt').read()");
    await cell(page, 4).getByRole("button", { name: "Run" }).click();
    await idle(page);
    seen.file = await result(page, 4);
    await page.click("[data-part=restart]");
    await page.waitForFunction(() => document.querySelector("[data-part=status]").textContent.startsWith("The kernel is new"));
    await type(page, 4, "x");
    await cell(page, 4).getByRole("button", { name: "Run" }).click();
    await idle(page);
    seen.gone = (await output(page, 4)).includes("NameError");
    await page.close({ runBeforeUnload: true });
    return seen;
  },

  javascriptKernel: async () => {
    const page = await open("javascript");
    await cells(page, ["const a = [1, 2]; let b = await Promise.resolve(3)", "a.concat(b)", "null.x"]);
    await runAll(page);
    const seen = [await counts(page), await result(page, 1), (await output(page, 2)).includes("TypeError")];
    await page.close({ runBeforeUnload: true });
    // The browser's end would cut off the request that deletes the session.
    for (let i = 0; i < 300 && (await sessions()).length > 0; i++) await new Promise((go) => setTimeout(go, 100));
    await page.context().close();
    return seen;
  },
};
