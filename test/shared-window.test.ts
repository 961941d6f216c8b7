// The window that sockets read into. This is a short version of read-window.test.ts with a few cuts.

import { describe, expect, test } from "vitest";
import { FrameDecoder, type FrameSink } from "../src/index.ts";
import { ReadWindow } from "../src/frame/read-window.ts";
import { binary, close, continuation, CORES, ping, ROLES, text, toRole } from "./support/wire.ts";

const LARGE = new Uint8Array(3000).map((_, i) => i * 7);
const FRAMES = [
  text("eins"),
  text("zwölf ".repeat(40)),
  ping("?"),
  binary(LARGE, { fin: false }),
  ping("!"),
  continuation(LARGE.subarray(1)),
  text(""),
  binary(new Uint8Array(0)),
  close(1000, "bye"),
];

/** Logs deliveries, with pieces joined. Pauses after each one if `pauses` is "always". */
class Log {
  lines: string[] = [];
  #payload: Buffer[] = [];
  readonly sink: FrameSink;

  constructor(decoder: FrameDecoder, pauses: "never" | "always") {
    const after = (): void => {
      if (pauses === "always") decoder.pause();
    };
    this.sink = {
      header: ({ opcode, fin, payloadLength }) => {
        this.lines.push(`${opcode} ${fin} ${payloadLength}`);
        after();
      },
      payload: (bytes, start, end) => {
        this.#payload.push(Buffer.from(bytes.subarray(start, end)));
        after();
      },
      end: () => {
        this.lines.push(Buffer.concat(this.#payload).toString("latin1"));
        this.#payload = [];
        after();
      },
    };
  }
}

for (const core of CORES) {
  describe.each(ROLES)(`${core} core, role %s`, (role) => {
    const stream = toRole(role, ...FRAMES);
    const window = new ReadWindow(core, ({ buffer }) => {
      const bytes = Buffer.from(buffer);
      return (start, end) => bytes.toString("latin1", start, end);
    });
    const make = () => new FrameDecoder({ role, core });
    const whole = make();
    const wanted = new Log(whole, "never");
    whole.push(stream, wanted.sink);

    test.each([1, 2, 7, 1000, 3500, 100_000])("chunks of %i bytes, with and without pauses", (size) => {
      for (const pauses of ["never", "always"] as const) {
        const decoder = make();
        const log = new Log(decoder, pauses);
        for (let at = 0; at < stream.length; at += size) {
          const chunk = stream.subarray(at, at + size);
          window.bytes.set(chunk);
          decoder.pushFrom(window, chunk.length, log.sink);
          // The next chunk would overwrite it.
          window.bytes.fill(0xc3, 0, chunk.length);
          // Every other chunk arrives during a pause.
          if ((at / size) % 2 === 1) while (decoder.paused) decoder.resume(log.sink);
        }
        while (decoder.paused) decoder.resume(log.sink);
        expect(log.lines).toEqual(wanted.lines);
        expect([decoder.closed, decoder.heldBytes, decoder.bytesDecoded]).toEqual([true, 0, stream.length]);
      }
    });

    test("ignores chunks after a Close or an error", () => {
      const decoder = make();
      const log = new Log(decoder, "never");
      decoder.push(stream, log.sink);
      decoder.pause();
      decoder.pushFrom(window, 100, log.sink);
      expect(decoder.heldBytes).toBe(0);
      decoder.resume(log.sink);
      decoder.pushFrom(window, 100, log.sink);
      expect(log.lines).toEqual(wanted.lines);

      const failed = make();
      window.bytes.set([0xf0, 0x80]);
      expect(() => failed.pushFrom(window, 2, log.sink)).toThrow("RSV");
      expect(() => failed.pushFrom(window, 2, log.sink)).toThrow("RSV");
      // The decoder is failed, but not in use.
      expect(FrameDecoder.restore(failed.save(), { role, core }).error).toMatchObject({ code: failed.error!.code });
    });

    test("a decoder is in use during a callback, and for good if the callback throws", () => {
      const frame = toRole(role, ping("?"));
      const ways = [
        (decoder: FrameDecoder, sink: FrameSink) => {
          window.bytes.set(frame);
          decoder.pushFrom(window, frame.length, sink);
        },
        (decoder: FrameDecoder, sink: FrameSink) => {
          decoder.reserve().set(frame);
          decoder.commit(frame.length, sink);
        },
      ];
      for (const deliver of ways) {
        const decoder = make();
        const thrown = new Error("from the sink");
        const seen: unknown[] = [];
        const sink: FrameSink = {
          header() {
            expect(() => decoder.push(frame, sink)).toThrow("The decoder is in use");
            expect(() => decoder.save()).toThrow("The decoder is in use");
          },
          payload: (bytes, start, end) => void seen.push(Buffer.from(bytes.slice(start, end)).toString()),
          end() {
            if (seen.length > 1) throw thrown;
          },
        };
        deliver(decoder, sink);
        expect(() => deliver(decoder, sink)).toThrow(thrown);
        expect(seen).toEqual(["?", "?"]);
        expect(() => decoder.push(frame, sink)).toThrow("its callback has thrown");
      }
    });
  });
}
