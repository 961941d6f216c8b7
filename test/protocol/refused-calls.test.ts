// Calls with wrong arguments or at the wrong time throw, and change nothing.

import { describe, expect, test } from "vitest";
import { type MessageSink, Protocol } from "../../src/index.ts";
import { CORES, ping, ROLES, short, toRole } from "../support/wire.ts";

function silent(onPing: () => void = () => {}): MessageSink {
  const nothing = (): void => {};
  return { text: nothing, binary: nothing, ping: onPing, pong: nothing, error: nothing, close: nothing };
}

for (const role of ROLES) {
  for (const core of CORES) {
    describe(`role ${role}, ${core} core`, () => {
      const limits = { maxControlFrames: 2, controlPeriod: 1000 };
      const two = toRole(role, ping(), ping());
      const tooMany = "WS_ERR_TOO_MANY_CONTROL_FRAMES";

      test("a push() in a callback does not change the count of control frames", () => {
        const protocol = new Protocol({ role, core, limits });
        const sink = silent(() => expect(() => protocol.push(two, sink)).toThrow(TypeError));
        protocol.push(toRole(role, ping(), ping(), ping()), sink, 0);
        expect(protocol.error?.code).toBe(tooMany);
      });

      test("a refused chunk or commit() does not change the count of control frames", () => {
        const protocol = new Protocol({ role, core, limits });
        const sink = silent();
        protocol.push(two, sink, 0);
        expect(() => protocol.push(JSON.parse("{}"), sink)).toThrow(TypeError);
        expect(() => protocol.commit(0, sink)).toThrow(RangeError);
        protocol.reserve();
        expect(() => protocol.commit(65_537, sink)).toThrow(RangeError);
        protocol.commit(0, sink, 0);
        expect(short(protocol.receive(toRole(role, ping()), 1))[0]).toMatch(tooMany);
      });
    });
  }
}
