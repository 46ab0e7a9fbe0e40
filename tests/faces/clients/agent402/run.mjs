// run.mjs VERSION BASE_URL SLUG BODY: calls a tool and pays with a random key's x402 payment, of version 1 or 2, or with
// the prepaid key VERSION. Prints the answer and the receipt.
import { ExactEvmScheme } from "@x402/evm";
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from "@x402/fetch";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { decodeXPaymentResponse, wrapFetchWithPayment } from "x402-fetch";
import { Agent402 } from "./agent402.mjs";

const [version, baseUrl, slug, body] = process.argv.slice(2);
const account = privateKeyToAccount(generatePrivateKey());
const withKey = (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${version}` } });
const pays = {
  1: () => wrapFetchWithPayment(fetch, account),
  2: () =>
    wrapFetchWithPaymentFromConfig(fetch, {
      schemes: [{ network: "eip155:84532", client: new ExactEvmScheme(account) }],
    }),
};
const { price, answer, headers } = await new Agent402({ baseUrl, fetch: (pays[version] ?? (() => withKey))() }).call(
  slug,
  JSON.parse(body),
);
const v1 = headers["x-payment-response"];
const v2 = headers["payment-response"];
const receipt = v1 ? decodeXPaymentResponse(v1) : v2 ? decodePaymentResponseHeader(v2) : null;
console.log(
  JSON.stringify({ price, answer, receipt, payer: account.address, balance: headers["x-credits-balance"] ?? null }),
);
