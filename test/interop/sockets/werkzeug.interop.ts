// Tests against WebSocket in a view of Flask on Werkzeug, as in flask-sock, which sends HTTP after the Close or instead
// of it.

import { describe, expect, test } from "vitest";
import { pythonWith } from "../support.ts";
import { ourClient } from "./ours.ts";
import { Peer } from "./process.ts";

const python = pythonWith("flask, wsproto", "python3-flask python3-wsproto");

describe.skipIf(python === undefined)("Werkzeug", () => {
  const peer = new Peer([python!, "werkzeug_peer.py"]);

  for (const [way, expected] of [
    ["answers", { code: 1000, reason: "bye", wasClean: true }],
    ["silent", { code: 1006, reason: "", wasClean: false }],
  ] as const) {
    test(`HTTP after our Close is ignored and is no error (${way})`, async () => {
      const url = `ws://127.0.0.1:${(await peer.ports()).plain}/${way}/1`;
      const ours = await ourClient(url);
      for (const message of ["hello", "x".repeat(70_000)]) {
        ours.connection.send(message);
        expect(await ours.messages.next()).toBe(message);
      }
      ours.connection.close(1000, "bye");
      expect(await peer.report(url)).toMatchObject({ code: 1000, reason: "bye" });
      expect(await ours.closed).toEqual(expected);
      expect(ours.errors).toEqual([]);
      // Ensures that this test is about the HTTP response.
      const { tail } = ours.received;
      expect(tail.toString()).toMatch(/HTTP\/1\.1 200 OK\r\n[^]*<p>After the Close$/);
      expect(tail.includes(Buffer.from("\x88\x05\x03\xe8bye", "latin1"))).toBe(way === "answers");
    });
  }
});
