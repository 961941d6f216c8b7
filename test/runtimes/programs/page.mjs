// What is done in a page, with the browser's own WebSocket too. What it found is its text, and the title tells that it is done.

import { exchangeWithOwn } from "./own-web-socket.mjs";
import { report } from "./report.mjs";

const parameters = new URLSearchParams(location.search);
// Pages have no names for packages: where the entries are, the test has from the package.
const wsframe = await import(parameters.get("wsframe"));
const streams = await import(parameters.get("streams"));

const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

const found = await report({ wsframe, streams }, get)
  .then(async (all) => ({ ...all, echo: await exchangeWithOwn(`ws://${location.host}/wsframe`) }))
  .catch((error) => ({ failed: error.stack }));
document.body.textContent = JSON.stringify(found);
document.title = "done";
