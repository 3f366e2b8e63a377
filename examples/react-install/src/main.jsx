// A page of a product whose customers install an integration: the stock components of
// @amp-labs/react, against Ligature.
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { AmpersandProvider, InstallIntegration } from "@amp-labs/react";
import "@amp-labs/react/styles";

const settings = import.meta.env;
const project = settings.VITE_PROJECT ?? "my-app";

// Whoever is signed in to your product. Here the address says it, to try things out:
// /?customer=customer-2
const customer = new URLSearchParams(location.search).get("customer") ?? "customer-1";
const user = { consumerRef: `${customer}-ada`, consumerName: "Ada" };

// Either a key of the scope `frontend`, which sees every customer of the project, or,
// as you will want it, a token of your own back end for this customer alone.
const options = settings.VITE_API_KEY
  ? { project, apiKey: settings.VITE_API_KEY }
  : { project, getToken };

async function getToken({ consumerRef, groupRef }) {
  const query = new URLSearchParams({ consumerRef, groupRef });
  const answer = await fetch(`/token?${query}`);
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return answer.text();
}

function Page() {
  const [said, say] = useState("");
  return (
    <main style={{ maxWidth: "60rem", margin: "2rem auto", fontFamily: "system-ui, sans-serif" }}>
      <h1>Integrations of {customer}</h1>
      <AmpersandProvider options={options}>
        <InstallIntegration
          integration="bitbucket"
          groupRef={customer}
          groupName={`Customer ${customer}`}
          {...user}
          onInstallSuccess={(id) => say(`Installed ${id}`)}
          onUpdateSuccess={(id) => say(`Updated ${id}`)}
          onUninstallSuccess={(id) => say(`Uninstalled ${id}`)}
        />
      </AmpersandProvider>
      <p role="status">{said}</p>
    </main>
  );
}

createRoot(document.getElementById("app")).render(<Page />);
