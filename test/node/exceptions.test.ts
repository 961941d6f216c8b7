// If a function of the options throws while data is received, the connection fails with 1011 and reports it.

import { expect } from "vitest";
import type { Extension } from "../../src/index.ts";
import { end, within } from "../connection/support/time.ts";
import { CONSUMERS, each, nodeWays, ROLES } from "../connection/support/ways.ts";
import { binary, text } from "../support/wire.ts";

const ways = nodeWays({ roles: ROLES, consumers: CONSUMERS });

/** An extension that leaves messages as they are, except that it throws for "bad". */
function picky(error: unknown): Extension {
  return {
    name: "x-picky",
    rsv: 4,
    offer: () => [[]],
    accept: () => [],
    confirm: () => true,
    open: () => ({
      encode: () => undefined,
      decode({ payload }) {
        if (Buffer.from(payload).toString() === "bad") throw error;
        return payload;
      },
    }),
  };
}

const FAILURES = [
  ["an extension", (error: unknown) => ({ extensions: [picky(error)] }), text("bad", { rsv: 4 })],
  [
    "allocate",
    (error: unknown) => ({
      allocate: (length: number) => {
        if (length > 50_000) throw error;
        return new Uint8Array(length);
      },
    }),
    binary(new Uint8Array(200_000)),
  ],
] as const;

for (const [name, optionsFor, bad] of FAILURES) {
  each(`${name} throws: 1011, an error event, the end`, ways, async (open, { consumer }) => {
    const error = new Error("not mine");
    const errors: unknown[] = [];
    const got: unknown[] = [];
    const { subject, peer } = await open({
      options: optionsFor(error),
      begin: (subject) => {
        subject.connection.on("error", (error) => errors.push(error));
        subject.receive((data) => {
          got.push(data);
          return subject.answer(`${String(data)} too`);
        });
      },
    });
    peer.write(text("a"), text("b"), bad, text("c"));
    await peer.gone();
    // Both the listener and the loop have answered the earlier messages.
    expect(got).toEqual(["a", "b"]);
    expect(peer.log).toEqual(["text:a too", "text:b too", "close:1011", "end"]);
    expect(errors).toEqual([error]);
    expect(subject.connection.error).toBe(error);
    expect(subject.send("late")).toBe(false);
    expect(subject.connection.ping()).toBe(false);
    expect(subject.connection.readyState).toBeGreaterThan(1);
    peer.line.end();
    expect(await end(subject)).toEqual({ code: 1006, reason: "", wasClean: false });
    if (consumer === "for await") await within(subject.loopEnded, "the loop has not ended");
  });
}

each("any value may be thrown", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({
    options: { extensions: [picky("a string")] },
    begin: (subject) => subject.receive(() => {}),
  });
  peer.write(text("bad", { rsv: 4 }));
  await peer.gone();
  expect(peer.log).toEqual(["close:1011", "end"]);
  expect(subject.connection.error).toMatchObject({ message: "a string" });
  peer.line.end();
  await end(subject);
});

each(
  "an error in a message that waits for a listener is reported when it is read",
  nodeWays({ roles: ROLES, marks: [0] }),
  async (open) => {
    const error = new Error("not mine");
    const { subject, peer } = await open({ options: { extensions: [picky(error)] } });
    const errors: unknown[] = [];
    subject.connection.on("error", (error) => errors.push(error));
    peer.write(text("a"), text("b"), text("bad", { rsv: 4 }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const got: unknown[] = [];
    subject.receive((data) => got.push(data));
    await peer.gone();
    expect([got, errors, peer.log]).toEqual([["a", "b"], [error], ["close:1011", "end"]]);
    peer.line.end();
    await end(subject);
  },
);
