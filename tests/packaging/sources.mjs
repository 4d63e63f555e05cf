// What an app writes to use the package: as the README has it.

const PAGE = (script) => `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><div id="root"></div>${script}`;

export const html = PAGE('<script type="module" src="./main.js"></script>');
/** Of a bundler that is not given the page. */
export const htmlOf = (file, type = "module") => PAGE(`<script ${type ? `type="${type}" ` : ""}src="./${file}"></script>`);

const OPTIONS = '{ apiKey: "demo", endpoint: new URLSearchParams(location.search).get("collector") }';

export const main = (entry = "sendoff") => `
import { Sendoff } from "${entry}";
const client = new Sendoff(${OPTIONS});
client.track("packaged");
client.flush();
`;

export const destinations = `
import { Sendoff, own } from "sendoff/destinations";
const { apiKey, endpoint } = ${OPTIONS};
const client = new Sendoff({ apiKey, destinations: [own({ endpoint })] });
client.track("packaged");
client.flush();
`;

export const react = `
import { StrictMode, createElement, useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import { SendoffProvider, useSendoff, useTrack } from "sendoff/react";

const Shop = () => {
  const [client, track, tracked] = [useSendoff(), useTrack(), useRef(false)];
  useEffect(() => {
    if (tracked.current) return;
    tracked.current = true;
    track("packaged");
    client.flush();
  }, []);
  return "shop";
};
const config = ${OPTIONS};
createRoot(document.getElementById("root")).render(
  createElement(StrictMode, null, createElement(SendoffProvider, { config }, createElement(Shop))),
);
`;

/** A page whose worker does it; \`new Worker(new URL(…))\` is what bundlers follow. */
export const workerPage = `
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.postMessage(new URLSearchParams(location.search).get("collector"));
`;
export const worker = `
import { Sendoff } from "sendoff/worker";
onmessage = ({ data }) => {
  const client = new Sendoff({ apiKey: "demo", endpoint: data });
  client.track("packaged");
  client.flush();
};
`;
