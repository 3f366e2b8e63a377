import { defineConfig } from "vite";

// Where Ligature serves. The library reads it from this one name, at build time, and
// compares it with the origin of the popup's message: an origin, without a path.
const server = new URL(process.env.LIGATURE_URL ?? "http://localhost:8080").origin;

export default defineConfig({
  define: { "process.env.REACT_APP_AMP_SERVER": JSON.stringify(server) },
  esbuild: { jsx: "automatic" },
});
