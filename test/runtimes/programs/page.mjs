// Runs in a page, also with the browser's own WebSocket. The text of the page is the result, and its title says when it
// is done.

import { exchangeWithOwn } from "./own-web-socket.mjs";
import { report } from "./report.mjs";

const parameters = new URLSearchParams(location.search);
// Pages cannot resolve package names, so the test passes the paths of the entries.
const wsframe = await import(parameters.get("wsframe"));
const streams = await import(parameters.get("streams"));

const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

const found = await report({ wsframe, streams }, get)
  .then(async (all) => ({ ...all, echo: await exchangeWithOwn(`ws://${location.host}/wsframe`) }))
  .catch((error) => ({ failed: error.stack }));
document.body.textContent = JSON.stringify(found);
document.title = "done";
