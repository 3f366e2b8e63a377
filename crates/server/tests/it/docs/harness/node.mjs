
import { readFileSync } from "node:fs";
for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  const [secret, id, at, signature, body] = line.split(",").map((part) => Buffer.from(part, "base64"));
  const headers = { "webhook-id": `${id}`, "webhook-timestamp": `${at}`, "webhook-signature": `${signature}` };
  console.log(isGenuine(`${secret}`, headers, body));
}
