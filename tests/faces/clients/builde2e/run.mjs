// A user's program: what the sandbox answers and refuses, a JSON value a line.
import builde2e from "./sdk.mjs";

builde2e.setApiKey(process.env.BUILDE2E_KEY);

for (const program of JSON.parse(process.argv[2])) {
    try {
        console.log(JSON.stringify(await builde2e.executeCode(program)));
    } catch (error) {
        console.log(JSON.stringify({ refused: error.message }));
    }
}
