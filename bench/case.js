// Runs one case in its own process, so that no case benefits from code that another one warmed up. run.js starts it:
// node case.js INDEX QUICK

import { measure } from "./measure.js";
import { CASES } from "./cases.js";

const { kind, options } = CASES[Number(process.argv[2])];
const quick = process.argv[3] === "quick";
const timing = quick ? { rounds: 2, time: 4, warmupTime: 8 } : { rounds: 9, time: 110, warmupTime: 300 };
const scale = quick ? 0.125 : 1;

/**
 * The measurements by kind. If a measurement has several results, the `figure` of a case names the one that it uses.
 * @type {Record<string, () => Promise<object>>}
 */
const KINDS = {
  async decode() {
    const { decodingCase } = await import("./decoding.js");
    const { subjects, ...work } = decodingCase(options, scale);
    return measure(subjects, work, timing);
  },
  async encode() {
    const { encodingCase } = await import("./encoding.js");
    const { subjects, ...work } = encodingCase(options, scale);
    return measure(subjects, work, timing);
  },
  async echo() {
    const { echoCase } = await import("./messages.js");
    const { subjects, ...work } = echoCase(options, scale);
    return measure(subjects, work, timing);
  },
  async prepared() {
    const { preparedCase } = await import("./encoding.js");
    const { subjects, ...work } = preparedCase(options, scale);
    return measure(subjects, work, timing);
  },
  async start() {
    const { measureStarts } = await import("./footprint.js");
    return measureStarts(quick ? 3 : 15);
  },
  async memory() {
    const { measureMemory } = await import("./footprint.js");
    return measureMemory(quick ? 5000 : 100_000);
  },
  async deflate() {
    const { compressedEcho } = await import("./deflate.js");
    return compressedEcho(options, quick ? { rounds: 2, warmUp: 2, count: 2 } : options.timing);
  },
  async codec() {
    const { codecAlone } = await import("./deflate-c/codec.js");
    return codecAlone(options, quick ? { streams: 2, count: 6, warmUp: 2, rounds: 1 } : options.timing);
  },
  async protocolMemory() {
    const { measureProtocolMemory } = await import("./footprint.js");
    return measureProtocolMemory(quick ? 5000 : 100_000);
  },
  async deflateMemory() {
    const { measureDeflateMemory } = await import("./footprint.js");
    return measureDeflateMemory(options, quick ? 20 : 300);
  },
  async wasm() {
    const { wasmSize } = await import("./footprint.js");
    return wasmSize();
  },
  async bundle() {
    const { bundleSize } = await import("./footprint.js");
    return bundleSize();
  },
};

process.send?.(await KINDS[kind]());
process.disconnect();
