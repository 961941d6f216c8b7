// The default codec: the WASM core, else the runtime's zlib if WASM is refused, else none.

import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { CodecSession } from "../../src/deflate/codec/session.ts";
import { zlibCodec } from "../../src/deflate/codec/zlib.ts";
import { CoreSession } from "../../src/deflate/core/session.ts";
import type { perMessageDeflate } from "../../src/deflate/per-message-deflate.ts";
import { Random } from "../support/random.ts";
import { json } from "./support/messages.ts";
import { open, receive, send } from "./support/session.ts";

let source = "";

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../src/deflate/per-message-deflate.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "wsframe",
    target: "es2022",
  });
  source = outputFiles[0]!.text;
});

/** perMessageDeflate() in a realm that is changed before the module is loaded. */
function inRealm(change: string, hasZlib: boolean): typeof perMessageDeflate {
  const context = createContext({ Uint8Array, TextDecoder, TextEncoder, ...(hasZlib && { process }) });
  runInContext(change, context);
  runInContext(source, context);
  return runInContext("wsframe.perMessageDeflate", context) as typeof perMessageDeflate;
}

const REFUSALS = {
  "no WebAssembly": "delete globalThis.WebAssembly",
  "WebAssembly that must not compile":
    "WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('CSP') } }",
  "WebAssembly without SIMD":
    "WebAssembly.Instance = class { constructor() { throw new WebAssembly.LinkError('no') } }",
};

test("uses the core by default", () => {
  expect(open("server")).toBeInstanceOf(CoreSession);
  const core = inRealm("", false)().open("server", []);
  expect(core.begin).toBeTypeOf("function");
});

test("uses a given codec", () => {
  expect(open("server", [], { codec: zlibCodec(process.getBuiltinModule("node:zlib")) })).toBeInstanceOf(CodecSession);
});

describe.each(Object.entries(REFUSALS))("with %s", (_, change) => {
  test("uses the runtime's zlib", () => {
    const make = inRealm(change, true);
    const [sender, receiver] = [make().open("server", []), open("client")];
    const [message, other] = [json(new Random(1), 3000), json(new Random(2), 3000)];
    for (const each of [message, other, message]) expect(receive(receiver, send(sender, each)!)).toEqual(each);
    // Like zlibCodec(zlib).
    const zlib = open("server", [], { codec: zlibCodec(process.getBuiltinModule("node:zlib")) });
    expect([...send(make().open("server", []), message)!]).toEqual([...send(zlib, message)!]);
  });

  test("throws a TypeError without zlib; a given codec still works", () => {
    const make = inRealm(change, false);
    expect(() => make()).toThrow("pass perMessageDeflate() a `codec`");
    let name = "";
    try {
      make();
    } catch (error) {
      ({ name } = error as Error);
    }
    expect(name).toBe("TypeError");
    const codec = zlibCodec(process.getBuiltinModule("node:zlib"));
    expect(make({ codec }).name).toBe("permessage-deflate");
  });
});
