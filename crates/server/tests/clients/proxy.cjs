// Lists, pages, creates and is refused as an app does it with the npm package
// `bitbucket`, pointed at the proxy: its base URL and headers, and nothing else.
//
// In: {origin, headers}. Out: what it saw, as JSON.
"use strict";

const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");

const { Bitbucket } = createRequire(join(process.argv[2], "package.json"))("bitbucket");
const given = JSON.parse(readFileSync(0, "utf8"));
const asked = [];
const client = new Bitbucket({
  baseUrl: `${given.origin}/2.0`,
  headers: given.headers,
  notice: false,
});

async function every(first) {
  const values = [];
  let page = await first;
  for (;;) {
    asked.push(page.url);
    values.push(...page.data.values);
    if (!client.hasNextPage(page.data)) return values;
    page = await client.getNextPage(page.data);
  }
}

async function refused(call) {
  try {
    await call;
    return null;
  } catch (error) {
    return { status: error.status, message: error.error.error.message };
  }
}

(async () => {
  const workspace = "acme";
  const repositories = await every(client.repositories.list({ workspace, pagelen: 50 }));
  const made = await client.projects.createProject({
    workspace,
    _body: { name: "From Node.js", key: "NODE", description: "made through the proxy" },
  });
  const read = await client.projects.getProject({ workspace, project_key: "NODE" });
  const refusal = await refused(client.projects.getProject({ workspace, project_key: "NOBODY" }));
  const again = await refused(
    client.projects.createProject({ workspace, _body: { name: "Again", key: "NODE" } }),
  );
  // Its `deleteProject` cannot take a 204 without a content type, whoever answers it.
  process.stdout.write(
    JSON.stringify({
      repositories: repositories.map((repository) => repository.uuid),
      made: made.data.key,
      read: read.data.description,
      refusal,
      again,
      asked,
    }),
  );
})();
