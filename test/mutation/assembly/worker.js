// A thread that runs the tests of a core on one mutant and reports the first failing test.

import { parentPort, workerData } from "node:worker_threads";

const { wasm, tests, order } = workerData;
globalThis.mutant = Object.fromEntries(
  Object.entries(wasm).map(([name, bytes]) => [name, new WebAssembly.Module(bytes)]),
);
const { runTests } = await import(tests);
const failed = await runTests(order, (passed) => parentPort.postMessage({ passed }));
parentPort.postMessage({ failed: failed && { name: failed.name } });
