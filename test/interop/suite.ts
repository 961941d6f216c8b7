// The tests for each Python peer, in both roles.

import { describe, expect, test } from "vitest";
import { type Extension, perMessageDeflate, type PerMessageDeflateOptions } from "../../src/index.ts";
import { json, mixed } from "../deflate/support/messages.ts";
import { BINARIES, TEXTS } from "../peers/support/messages.ts";
import type { OurEnd } from "../peers/support/ours.ts";
import { Random } from "../support/random.ts";
import { ROLES } from "../support/wire.ts";
import { open, type OpenOptions, type Talk } from "./support.ts";

export interface Subject {
  readonly script: string;
  readonly python: string;
  /** Whether a Ping between the fragments of a compressed message breaks its receiver. */
  readonly pingsBreakInflating: boolean;
  /** The smallest window that the peer's own compressor supports. */
  readonly leastBits: number;
  /** Whether the peer reports the Pings that it received. */
  readonly tellsPings: boolean;
}

const FRAGMENTS = "Zwölf Boxkämpfer 🥊";

async function expectEcho(ours: OurEnd, messages: readonly (string | Buffer)[]): Promise<void> {
  for (const message of messages) ours.send(message);
  for (const [i, message] of messages.entries()) {
    const got = await ours.messages.next();
    const isSame =
      typeof message === "string" ? got === message : typeof got !== "string" && Buffer.compare(got, message) === 0;
    expect(isSame, `message ${i}`).toBe(true);
  }
  expect(ours.errors).toEqual([]);
}

function conversation(count: number): (string | Buffer)[] {
  const random = new Random(count);
  const messages: (string | Buffer)[] = Array.from({ length: count }, (_, i) => {
    const length = random.pick([0, 10, 300, 300, 3000, 12_000]);
    return i % 3 === 0 ? Buffer.from(mixed(random, length)) : Buffer.from(json(random, length)).toString();
  });
  messages.push(Buffer.from(json(random, 100_000)).toString(), Buffer.from(mixed(random, 100_000)));
  return messages;
}

export function suite({ script, python, pingsBreakInflating, leastBits, tellsPings }: Subject): void {
  for (const role of ROLES) {
    const connect = (options?: OpenOptions): Promise<Talk> => open(python, script, role, options);

    describe(`our ${role}`, () => {
      test("text arrives both ways, ASCII, empty, with multi-byte characters, and with a BOM", async () => {
        const { ours } = await connect();
        await expectEcho(ours, TEXTS);
      });

      test("binary both ways, in every length class", async () => {
        const { ours } = await connect();
        await expectEcho(ours, BINARIES);
      });

      test.each([1, 7])("data that arrives in pieces of %i bytes, including the handshake", async (pieces) => {
        const { ours } = await connect({ pieces });
        await expectEcho(ours, [...TEXTS, ...BINARIES.slice(0, -1)]);
      });

      test("many small messages in one write", async () => {
        const { ours } = await connect();
        const messages = Array.from({ length: 500 }, (_, i) => `${i} ☂`);
        ours.burst(messages);
        expect(await ours.messages.take(500)).toEqual(messages);
      });

      test("our fragments arrive, with pings between them", async () => {
        const { ours } = await connect();
        ours.sendFragments(["Zwölf ", "", "Boxkämpfer", " 🥊"]);
        expect(await ours.messages.next()).toBe(FRAGMENTS);
        expect(await ours.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      });

      test("their fragments, with pings between them", async () => {
        const { ours } = await connect();
        ours.send("!fragments");
        expect(await ours.messages.next()).toBe(FRAGMENTS);
        expect(await ours.pings.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      });

      test("pings both ways, with payload", async () => {
        const { ours, report } = await connect();
        for (const payload of ["", "are you there", "x".repeat(125)]) {
          ours.ping(payload);
          expect(await ours.pongs.next()).toBe(payload);
        }
        ours.send("!ping and you");
        expect(await ours.pings.next()).toBe("and you");
        await expectEcho(ours, ["still there"]);
        ours.close(1000, "");
        const { pings, pongs } = await report();
        expect(pongs).toEqual(["and you"]);
        if (tellsPings) expect(pings).toEqual(["", "are you there", "x".repeat(125)]);
      });

      test("the subprotocol", async () => {
        const { ours, report } = await connect({ subprotocols: ["chat"] });
        expect(ours.subprotocol).toBe("chat");
        ours.close(1000, "");
        expect((await report()).subprotocol).toBe("chat");
      });

      test("we close with code and reason", async () => {
        const { ours, report } = await connect();
        ours.send("last");
        ours.close(4001, "müde");
        expect(await ours.closed).toMatchObject({ code: 4001, wasClean: true });
        expect(await report()).toMatchObject({ code: 4001, reason: "müde" });
      });

      test("they close with code and reason", async () => {
        const { ours, report } = await connect();
        ours.send("!close 3999 müde");
        expect(await ours.closed).toMatchObject({ code: 3999, reason: "müde", wasClean: true });
        expect(await report()).toMatchObject({ code: 3999 });
      });

      test("a Close without a code, both ways", async () => {
        const theirs = await connect();
        theirs.ours.send("!close");
        expect(await theirs.ours.closed).toMatchObject({ code: 1005, wasClean: true });
        const own = await connect();
        own.ours.closeWithoutCode();
        expect(await own.ours.closed).toMatchObject({ wasClean: true });
        expect((await own.report()).code).toBe(1005);
      });

      test("the end without a Close, both ways", async () => {
        const theirs = await connect();
        theirs.ours.send("!abort");
        expect(await theirs.ours.closed).toMatchObject({ code: 1006, wasClean: false });
        const own = await connect();
        await expectEcho(own.ours, ["still there"]);
        own.ours.abort();
        expect((await own.report()).code).toBeNull();
      });

      test("both close at once", async () => {
        const { ours, report } = await connect();
        ours.send("!close 4000 they");
        ours.close(4001, "we");
        expect([4000, 4001]).toContain((await ours.closed).code);
        expect((await report()).code).toBe(4001);
        expect(ours.errors).toEqual([]);
      });

      describe("permessage-deflate", () => {
        const compressed = (
          own: PerMessageDeflateOptions = {},
          theirs: OpenOptions["theirs"] = {},
          options: OpenOptions = {},
        ): Promise<Talk> => {
          const extensions: Extension[] = [perMessageDeflate({ threshold: 0, ...own })];
          return connect({ ...options, extensions, theirs });
        };

        test("hundreds of messages with context takeover", async () => {
          const { ours } = await compressed();
          expect(ours.extensions).toMatch(/^permessage-deflate/);
          expect(ours.extensions).not.toContain("no_context_takeover");
          await expectEcho(ours, conversation(300));
          const text = "a".repeat(100_000);
          const before = ours.protocol.bytesReceived;
          await expectEcho(ours, [text]);
          expect(ours.protocol.bytesReceived - before).toBeLessThan(1000);
        });

        test.each(["server_no_context_takeover", "client_no_context_takeover"])(
          "%s, requested by either side",
          async (parameter) => {
            const own =
              parameter === "server_no_context_takeover"
                ? { serverNoContextTakeover: true }
                : { clientNoContextTakeover: true };
            const byUs = await compressed(own);
            expect(byUs.ours.extensions).toContain(parameter);
            await expectEcho(byUs.ours, conversation(40));
            const byThem = await compressed({}, { [parameter]: true });
            expect(byThem.ours.extensions).toContain(parameter);
            await expectEcho(byThem.ours, conversation(40));
          },
        );

        for (let bits = leastBits; bits <= 15; bits++) {
          test(`windows of ${bits} on both sides, requested by them`, async () => {
            const { ours } = await compressed({}, { server_max_window_bits: bits, client_max_window_bits: bits });
            await expectEcho(ours, conversation(30));
          });

          test(`windows of ${bits} on both sides, requested by us`, async () => {
            const { ours } = await compressed({ serverMaxWindowBits: bits, clientMaxWindowBits: bits });
            expect(ours.extensions).toContain(`server_max_window_bits=${bits}`);
            await expectEcho(ours, conversation(30));
          });
        }

        test("fragments with pings between them", async () => {
          const { ours } = await compressed();
          for (let round = 0; round < 5; round++) {
            ours.send("!fragments");
            expect(await ours.messages.next()).toBe(FRAGMENTS);
            await ours.pings.take(3);
            if (pingsBreakInflating) {
              for (const [i, part] of ["Zwölf ", "Boxkämpfer", " 🥊"].entries()) {
                ours.protocol.send(part, { fin: i === 2 });
              }
              ours.flush();
            } else {
              ours.sendFragments(["Zwölf ", "", "Boxkämpfer", " 🥊"]);
            }
            expect(await ours.messages.next()).toBe(FRAGMENTS);
          }
        });

        test.each([1, 100])("data that arrives in pieces of %i bytes", async (pieces) => {
          const { ours } = await compressed({}, {}, { pieces });
          await expectEcho(ours, conversation(20));
        });

        test("thresholds: compressed and plain messages in turn", async () => {
          const { ours } = await compressed({ threshold: 200 });
          await expectEcho(ours, ["a".repeat(199), "a".repeat(200), "b", "a".repeat(10_000), ""]);
        });

        test("compression is not used if only one side supports it", async () => {
          const onlyThey = await connect({ theirs: {} });
          expect(onlyThey.ours.extensions).toBe("");
          await expectEcho(onlyThey.ours, TEXTS);
          const onlyWe = await connect({ extensions: [perMessageDeflate()] });
          expect(onlyWe.ours.extensions).toBe("");
          await expectEcho(onlyWe.ours, TEXTS);
        });
      });
    });
  }
}
