// What programs make, shown in a frame: it looks as it should, and its scripts reach nothing.
import { choose, folder, text, unfold, withPage, write } from "./stage.mjs";

// A page that tries to get out, and writes what it got.
const HOSTILE = `<!doctype html><h1>made</h1><p id="out"></p><script>
const tries = {
  storage: () => sessionStorage.length, lasting: () => localStorage.length, cookie: () => document.cookie,
  page: () => parent.document.title, key: () => parent.sessionStorage.getItem("codecell.key"), top: () => top.document.title,
  leave: () => (top.location = "about:blank"), popup: () => open("about:blank") === null ? null : "opened",
  editor: () => parent.document.getElementById("editor").shadowRoot,
};
const got = {};
for (const [name, work] of Object.entries(tries)) {
  try { got[name] = work() ?? null; } catch (error) { got[name] = null; }
}
parent.postMessage({ codecell: "height", height: 1e9 }, "*");
parent.postMessage({ codecell: "ready" }, "*");
Promise.all([
  fetch("/api/v1/languages").then(() => "answered", () => null), fetch("https://example.com/").then(() => "answered", () => null),
  new Promise((resolve) => { const image = new Image(); image.onload = () => resolve("loaded"); image.onerror = () => resolve(null); image.src = "/page/icon.svg"; }),
]).then((answers) => {
  got.requests = answers;
  got.origin = self.origin;
  document.getElementById("out").textContent = JSON.stringify(got);
});
</script>`;

const made = (page, at = 0) => page.waitForFunction((index) => document.querySelectorAll("#files iframe.made")[index]?.style.height, at);

async function files(page, outputs, code) {
  await choose(page, "bash");
  await write(page, code);
  await unfold(page);
  await page.fill("#outputs", outputs);
  await page.click("#run");
  await page.waitForFunction(() => !document.getElementById("run").disabled);
}

// The document inside a frame.
const inside = async (page, at) => (await page.$$("#files iframe.made"))[at].contentFrame();

export const frames = {
  hostile: () => withPage({ hostile: true }, async (page) => {
    await files(page, "page.html", `cat > page.html <<'END'\n${HOSTILE}\nEND`);
    await made(page);
    const frame = await inside(page, 0);
    await frame.waitForFunction(() => document.getElementById("out")?.textContent);
    const got = JSON.parse(await frame.textContent("#out"));
    const height = await page.$eval("#files iframe.made", (one) => one.offsetHeight);
    const after = await page.evaluate(() => [document.title, location.pathname, sessionStorage.getItem("codecell.key") !== null]);
    await page.screenshot({ path: `${folder}/frame.png` });
    return { got, height, after, heading: await frame.textContent("h1"), url: new URL(frame.url()).pathname };
  }),

  // SVG and Markdown are shown, too; scripts in them run in the frame alone.
  kinds: () => withPage({ colorScheme: "dark" }, async (page) => {
    await files(page, "a.svg, b.md", `cat > a.svg <<'END'
<svg xmlns="http://www.w3.org/2000/svg" width="200" height="90"><circle cx="45" cy="45" r="40" fill="teal"/><script>document.documentElement.dataset.ran = 1; try { parent.hacked = 1 } catch (e) {}</script></svg>
END
cat > b.md <<'END'
# Title

| a | b |
|---|---|
| 1 | **2** |

<script>try { parent.hacked = 1 } catch (e) {}</script>
END`);
    await made(page, 0);
    await made(page, 1);
    const [svg, markdown] = [await inside(page, 0), await inside(page, 1)];
    await page.screenshot({ path: `${folder}/frames.png` });
    return [await svg.$eval("circle", (circle) => circle.getAttribute("r")), await markdown.textContent("h1"),
            await markdown.textContent("td strong"), await page.evaluate(() => window.hacked ?? null)];
  }),

  // Also where the playground is a part of another page.
  framedInEmbedded: () => withPage({ path: "/?embed=1", withKey: false }, async (page) => {
    return page.evaluate(() => new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "allow-scripts");
      frame.src = "frame?embed=1";
      addEventListener("message", ({ source, data }) => source === frame.contentWindow && resolve(data.codecell));
      document.body.append(frame);
    }));
  }),
};
