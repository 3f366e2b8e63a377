// Verifies webhooks as an app in Node.js does it, with the `svix` package.
// In: a list of {secret, headers, body}. Out: for each whether it is genuine.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");

const { Webhook, WebhookVerificationError } = createRequire(process.argv[2] + "/")("svix");

function verify({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

const webhooks = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(webhooks.map(verify)));
