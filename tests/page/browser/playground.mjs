// What people do with the playground, in headless Chromium: node playground.mjs FOLDER URL KEY SCENARIO…
// Prints a JSON object of what each scenario saw. Pictures go to FOLDER.
import { basics } from "./basics.mjs";
import { frames } from "./frames.mjs";
import { kernel } from "./kernel.mjs";
import { notebook } from "./notebook.mjs";
import { browser, complaints, names } from "./stage.mjs";
import { terminal } from "./terminal.mjs";

const scenarios = { ...basics, ...frames, ...kernel, ...notebook, ...terminal };
const told = {};
for (const name of names) told[name] = await scenarios[name]();
await browser.close();
console.log(JSON.stringify({ told, complaints }));
