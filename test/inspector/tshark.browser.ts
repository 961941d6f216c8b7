// Compares each frame of a recorded connection on the page with the output of tshark.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { find } from "../interop/sockets/process.ts";
import { drop, executablePath, open, shown, useChromium } from "./chromium.ts";
import { toPcap } from "./pcap.ts";

useChromium();

const tshark = find(["/usr/bin/tshark"], "tshark");
const captures = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));

/** A frame in a form that both can be converted to. */
interface Told {
  readonly fin: number;
  readonly rsv: number;
  readonly opcode: number;
  readonly mask: number;
  readonly length: number;
  readonly key: string | undefined;
  /** In hex. */
  readonly masked: string;
  readonly unmasked: string;
}

type Raw = readonly [hex: string, ...rest: unknown[]];
type Layer = Readonly<Record<string, string>> & {
  readonly "websocket.masked_payload_raw"?: Raw;
  readonly "websocket.payload_raw"?: Raw;
};
interface Packet {
  readonly _source: {
    readonly layers: { readonly ip: { readonly "ip.src": string }; readonly websocket: Layer | Layer[] };
  };
}

/** Returns the frames of each side as tshark decodes them. */
function askTshark(capture: string): Record<"client" | "server", Told[]> {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-tshark-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "capture.pcap");
  writeFileSync(file, toPcap(capture));
  const output = execFileSync(
    tshark!,
    ["-r", file, "-Y", "websocket", "-T", "json", "-x", "--no-duplicate-keys", "-o", "websocket.decompress:FALSE"],
    { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] },
  );
  const told = { client: [] as Told[], server: [] as Told[] };
  for (const { _source } of JSON.parse(output) as Packet[]) {
    const { ip, websocket } = _source.layers;
    for (const layer of [websocket].flat()) {
      const masked = layer["websocket.masked_payload_raw"]?.[0] ?? "";
      const extended = layer["websocket.payload_length_ext_16"] ?? layer["websocket.payload_length_ext_64"];
      told[ip["ip.src"] === "127.0.0.1" ? "client" : "server"].push({
        fin: Number(layer["websocket.fin"]),
        rsv: Number(layer["websocket.rsv"]),
        opcode: Number(layer["websocket.opcode"]),
        mask: Number(layer["websocket.mask"]),
        length: Number(extended ?? layer["websocket.payload_length"]),
        key: layer["websocket.masking_key"]?.replaceAll(":", " "),
        masked,
        unmasked: layer["websocket.payload_raw"]?.[0] ?? "",
      });
    }
  }
  return told;
}

describe.skipIf(executablePath === undefined || tshark === undefined)("the page agrees with tshark", () => {
  // The second capture is compressed. Its payloads are compared as they are on the wire.
  test.each(["ws-ws-fragments", "ws-ws-fragments-deflate"])("%s", { timeout: 120_000 }, async (capture) => {
    const told = askTshark(capture);
    const expected = [...told.client, ...told.server];
    expect(told.client.length).toBeGreaterThan(50);
    expect(told.server.length).toBeGreaterThan(50);

    const page = await open({ width: 1600 });
    await drop(page, [`${captures}${capture}/client.bin`, `${captures}${capture}/server.bin`]);
    const summary = page.locator("#summary");
    await expect
      .poll(() => summary.innerText())
      .toMatch(new RegExp(`^${expected.length} frames · ${told.client.length} → ${told.server.length} ←`));
    await expect.poll(async () => (await shown(page)).title).toMatch(/^Frame 1 /);
    await page.locator("#list").focus();
    for (const [index, frame] of expected.entries()) {
      if (index > 0) await page.keyboard.press("ArrowDown");
      const { title, facts, bits, key, masked, unmasked } = await shown(page);
      expect(title).toMatch(new RegExp(`^Frame ${index + 1} `));
      expect(facts).toMatch(index < told.client.length ? /^client → server/ : /^server → client/);
      const number = (...names: string[]): number => Number.parseInt(names.map((name) => bits[name]!).join(""), 2);
      const found: Told = {
        fin: number("FIN"),
        rsv: number("RSV1", "RSV2", "RSV3"),
        opcode: number("opcode"),
        mask: number("MASK"),
        length: number(bits["extended"] === undefined ? "length" : "extended"),
        // Without a payload, the key is only in the diagram.
        key: key ?? (bits["key"] && hexOf(bits["key"])),
        masked: masked.replaceAll(" ", ""),
        unmasked: unmasked.replaceAll(" ", ""),
      };
      // Only the first part of a long payload is shown.
      const length = found.unmasked.length;
      expect(length / 2).toBe(Math.min(frame.length, 1024));
      const part = { masked: frame.masked.slice(0, length), unmasked: frame.unmasked.slice(0, length) };
      expect(found, `frame ${index + 1}`).toEqual({ ...frame, ...part });
    }
  });
});

/** Converts bits to bytes in hex. */
function hexOf(bits: string): string {
  return bits
    .match(/.{8}/g)!
    .map((octet) => Number.parseInt(octet, 2).toString(16).padStart(2, "0"))
    .join(" ");
}
