// The published package: its files, imports and size.

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { DEFLATE_HEX } from "../src/deflate/core/embedded.ts";
import { serve } from "../src/node/index.ts";
import { newFolder } from "./support/installed.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => `${root}node_modules/.bin/${name}`;
const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: "pipe" });

const { tarball } = inject("packed");

/** A folder with the installed package. */
let folder: string;
beforeAll(() => {
  folder = newFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("publint finds no problem", () => {
  expect(run(bin("publint"), ["--strict", tarball], root)).toContain("All good!");
});

test("attw resolves the exported types", () => {
  const report = run(
    bin("attw"),
    [tarball, "--profile", "esm-only", "--exclude-entrypoints", "./core.wasm", "./deflate.wasm", "--format", "ascii"],
    root,
  );
  // It exits with 1 if there is a problem.
  expect(report).toContain("node16 (from ESM): 🟢 (ESM)");
});

test("attw resolves the types of wsframe/ws for every kind of import", () => {
  const report = run(bin("attw"), [tarball, "--entrypoints", "./ws", "--format", "ascii"], root);
  for (const way of ["node10: 🟢", "node16 (from CJS): 🟢 (CJS)", "node16 (from ESM): 🟢 (ESM)", "bundler: 🟢"]) {
    expect(report).toContain(way);
  }
});

test("the package has no dependencies, and no unneeded files", () => {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Record<string, unknown>;
  for (const kind of ["dependencies", "optionalDependencies"]) expect(manifest[kind]).toBeUndefined();
  // Only users of wsframe/crossws have crossws.
  expect(Object.keys(manifest["peerDependencies"] as object)).toEqual(["crossws"]);
  expect(manifest["peerDependenciesMeta"]).toEqual({ crossws: { optional: true } });
  const files = run("tar", ["tzf", tarball], root).trim().split("\n");
  for (const file of files)
    expect(file).toMatch(/^package\/(dist|src|assembly)\/|^package\/(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/);
  for (const file of [
    "dist/index.js",
    "dist/workerd/index.js",
    "dist/core.wasm",
    "dist/deflate.wasm",
    "dist/cli.js",
    "dist/node.js",
    "dist/load.js",
    "dist/ws.js",
    "dist/ws.cjs",
    "dist/ws-browser.cjs",
    "LICENSE",
  ]) {
    expect(files).toContain(`package/${file}`);
  }
});

const program = `
const encoder = new wsframe.FrameEncoder({ role: "client" });
encoder.text("hello");
const [frame] = new wsframe.FrameDecoder({ role: "server" }).decode(encoder.take()[0]);
console.log(frame.text, wsframe.coreInfo().kind);
`;

test("import, require and the compiled core work from an installed package", () => {
  writeFileSync(join(folder, "esm.mjs"), `import * as wsframe from "wsframe";${program}`);
  expect(run(process.execPath, ["esm.mjs"], folder)).toBe("hello wasm\n");
  // Node before 20.19 has no require() of ES modules. Later versions only warn on stderr.
  writeFileSync(join(folder, "common.cjs"), `const wsframe = require("wsframe");${program}`);
  expect(run(process.execPath, ["common.cjs"], folder)).toBe("hello wasm\n");
  writeFileSync(
    join(folder, "wasm.mjs"),
    `import { readFileSync } from "node:fs";
    const module = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve("wsframe/core.wasm"))));
    console.log(WebAssembly.Module.exports(module).length);`,
  );
  expect(run(process.execPath, ["wasm.mjs"], folder)).toBe("4\n");
});

test("wsframe/node works from an installed package, and shares the main entry", () => {
  writeFileSync(
    join(folder, "node.mjs"),
    `import { PreparedMessage } from "wsframe";
    import { connect, serve } from "wsframe/node";
    const server = await serve({ host: "127.0.0.1" }, (connection) => {
      connection.on("message", (data) => connection.send(new PreparedMessage(data)));
    });
    const connection = await connect(\`ws://127.0.0.1:\${server.port}\`);
    connection.send("hello");
    for await (const message of connection) {
      console.log(message);
      break;
    }
    await server.close();`,
  );
  expect(run(process.execPath, ["node.mjs"], folder)).toBe("hello\n");
});

test("wsframe/crossws works without crossws, and shares the entry for Node", async () => {
  writeFileSync(
    join(folder, "crossws.mjs"),
    `import { createServer } from "node:http";
    import { connectionOf, wsframeAdapter } from "wsframe/crossws";
    import { connect } from "wsframe/node";
    const hooks = { message: (peer, message) => peer.send(message.text()), open: (peer) => (opened = peer) };
    let opened;
    const server = createServer().on("upgrade", wsframeAdapter({ hooks }).handleUpgrade).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const connection = await connect(\`ws://127.0.0.1:\${server.address().port}\`);
    connection.send("hello");
    for await (const message of connection) {
      console.log(message, connectionOf(opened) instanceof connection.constructor);
      break;
    }
    server.close();`,
  );
  expect(run(process.execPath, ["crossws.mjs"], folder)).toBe("hello true\n");
});

test("the entries share code: none has a copy of another", () => {
  for (const entry of ["node", "streams", "load", "crossws"]) {
    const code = readFileSync(join(folder, `node_modules/wsframe/dist/${entry}.js`), "utf8");
    expect(code, entry).not.toMatch(/^class Protocol\b|^\/\/ src\/core\//m);
    expect(code.includes("// src/node/connection.ts"), entry).toBe(entry === "node");
  }
});

test("wsframe/ws is one class, imported and required, and needs no require() of ES modules", () => {
  writeFileSync(
    join(folder, "ws.mjs"),
    `import { createRequire } from "node:module";
    import WebSocket, * as ws from "wsframe/ws";
    const required = createRequire(import.meta.url)("wsframe/ws");
    const { default: _, ...named } = ws;
    console.log(required === WebSocket, Object.keys(named).every((name) => required[name] === named[name]));
    console.log(required.WebSocket === required, required.Server === ws.WebSocketServer, required.name);
    const server = new ws.WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
      const client = new required(\`ws://127.0.0.1:\${server.address().port}\`);
      client.on("open", () => client.send("hello"));
      client.on("message", (data) => {
        console.log(client instanceof ws.WebSocket, String(data));
        client.close();
        server.close();
      });
    });
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });`,
  );
  const output = "true true\ntrue true WebSocket\ntrue hello\n";
  expect(run(process.execPath, ["ws.mjs"], folder)).toBe(output);
  expect(run(process.execPath, ["--no-experimental-require-module", "ws.mjs"], folder)).toBe(output);
});

test("wsframe/ws throws in browsers when it is called", () => {
  writeFileSync(
    join(folder, "browser.cjs"),
    `const WebSocket = require("wsframe/ws");
    for (const call of [() => WebSocket(), () => new WebSocket("ws://localhost")]) {
      try {
        call();
      } catch (error) {
        console.log(error.message);
      }
    }`,
  );
  const output = run(process.execPath, ["--conditions=browser", "browser.cjs"], folder);
  expect(output).toBe("wsframe/ws does not work in browsers: use the browser's own WebSocket\n".repeat(2));
});

test("wsframe/load works from an installed package", () => {
  writeFileSync(
    join(folder, "load.mjs"),
    `import { load } from "wsframe/load";
    import { serve } from "wsframe/node";
    const server = await serve({ host: "127.0.0.1" }, (connection) => {
      connection.on("message", (data) => connection.send(data));
    });
    const { ok, messages, total } = await load(\`ws://127.0.0.1:\${server.port}\`, { warmUp: 0, duration: 200 });
    console.log(ok, messages > 0, total.sent === total.received);
    await server.close();`,
  );
  expect(run(process.execPath, ["load.mjs"], folder)).toBe("true true true\n");
});

test("the command works from an installed package", async () => {
  const command = join(folder, "node_modules/.bin/wsframe");
  writeFileSync(join(folder, "hello.hex"), "81 85 01 02 03 04 69 67 6f 68 6e\n");
  expect(run(command, ["inspect", "--no-speed", "hello.hex"], folder)).toContain("hello");
  const server = await serve({ host: "127.0.0.1" }, (connection) => {
    connection.on("message", (data) => connection.send(data));
  });
  const load = promisify(execFile)(command, ["load", "-d", "0.2", "--warm-up", "0", `ws://127.0.0.1:${server.port}`]);
  expect((await load).stdout).toContain("answered, none wrong");
  await server.close();
});

test("strict TypeScript accepts it, without DOM or Node types", () => {
  writeFileSync(
    join(folder, "use.mts"),
    `import { acceptHandshake, encodeFrame, FrameDecoder, Protocol, WebSocketError } from "wsframe";
    import type { Frame, FrameSink } from "wsframe";
    const sink: FrameSink = { header(header) { header.opcode satisfies number; }, payload() {}, end() {} };
    const decoder = new FrameDecoder({ role: "client" });
    decoder.push(new Uint8Array(0), sink);
    const frames: Frame[] = decoder.decode(encodeFrame({ opcode: 1, payload: "x" }, { role: "server" }));
    for (const frame of frames) encodeFrame(frame, { role: "client" });
    const acceptance = acceptHandshake({ method: "GET", url: "/", headers: new Map([["host", "localhost"]]) });
    if (acceptance.accepted) {
      const protocol = new Protocol({ role: "server", extensions: acceptance.extensions });
      for (const event of protocol.receive(new Uint8Array(0))) if (event.type === "text") protocol.send(event.data);
    }
    export const code: string | undefined = decoder.error instanceof WebSocketError ? decoder.error.code : undefined;
    // @ts-expect-error there is no such role
    new FrameDecoder({ role: "proxy" });`,
  );
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2022"],
    types: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.mts"] }));
  expect(run(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", folder], folder)).toBe("");
});

describe("size", () => {
  const bundled = async (names: string, conditions: string[] = []) => {
    const entry = join(folder, "entry.mjs");
    writeFileSync(entry, `export { ${names} } from "wsframe";`);
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      conditions,
      external: ["*.wasm"],
      write: false,
    });
    return outputFiles[0]!;
  };

  test("FrameDecoder and FrameEncoder are at most 15.6 KB minified and gzipped, core included", async () => {
    const { contents } = await bundled("FrameDecoder, FrameEncoder");
    expect(gzipSync(contents, { level: 9 }).length).toBeLessThanOrEqual(15.6 * 1024);
  });

  test("wsframe/ws is at most 66.5 KB minified and gzipped, engine and both cores included", async () => {
    const entry = join(folder, "entry.cjs");
    writeFileSync(entry, `module.exports = require("wsframe/ws");`);
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: "cjs",
      platform: "node",
      write: false,
    });
    expect(gzipSync(outputFiles[0]!.contents, { level: 9 }).length).toBeLessThanOrEqual(66.5 * 1024);
  });

  test("a bundle has no second core without compression", async () => {
    const { text, contents } = await bundled("Protocol, acceptHandshake, serializeResponse");
    const all = await bundled("Protocol, acceptHandshake, serializeResponse, perMessageDeflate");
    expect(text).not.toContain(DEFLATE_HEX.slice(0, 112));
    expect(all.text).toContain(DEFLATE_HEX.slice(0, 112));
    expect(contents.length).toBeLessThan(all.contents.length - DEFLATE_HEX.length);
  });

  test("a bundle leaves out unused code", async () => {
    const all = await bundled("FrameDecoder, FrameEncoder, PreparedMessage");
    const { contents, text } = await bundled("CloseCode");
    expect(contents.length).toBeLessThan(all.contents.length / 20);
    expect(text).not.toContain("WebAssembly");
  });

  test("under the workerd condition, a bundle imports the core as a module and compiles nothing", async () => {
    const { text } = await bundled("FrameDecoder", ["workerd"]);
    expect(text).toMatch(/import \w+ from"[^"]*core\.wasm"/);
    expect(text).not.toContain("WebAssembly.Module(");
  });

  test("a bundle imports nothing from Node", async () => {
    mkdirSync(join(folder, "out"), { recursive: true });
    const { text } = await bundled("FrameDecoder, FrameEncoder, PreparedMessage, encodeFrame, coreInfo");
    expect(text).not.toMatch(/node:|require\(|process\.|\bBuffer\b/);
    // permessage-deflate asks the runtime for its zlib, and works without it.
    const all = await bundled("Protocol, Keepalive, acceptHandshake, createRequest, checkResponse, perMessageDeflate");
    expect(all.text).not.toMatch(/require\(|\bBuffer\b|from ?"node:|import\(/);
  });
});
