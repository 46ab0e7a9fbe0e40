// Checks webhooks with the package standardwebhooks. Standard input: JSON, an array of {secret, headers, body}.
// Prints an array: the parsed body, or the message of the error.
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';

function verify({ secret, headers, body }) {
  try {
    return new Webhook(secret).verify(body, headers);
  } catch (error) {
    return error.message;
  }
}
console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(verify)));
