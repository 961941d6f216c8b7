// Like main.mjs, but with require() and without the captures.

const wsframe = require("wsframe");
const streams = require("wsframe/streams");

void (async () => {
  const [{ report }, { runtime }] = await Promise.all([import("./report.mjs"), import("./runtime.mjs")]);
  console.log(JSON.stringify({ runtime: runtime(), ...(await report({ wsframe, streams })) }));
})();
