// The window and context takeover of each side, from the agreement and its own options.

import { expect, test } from "vitest";
import { readDeflateOptions } from "../../src/deflate/options.ts";
import { agreedSides } from "../../src/deflate/sides.ts";

test("each role sends with its own window and context takeover if they are less than agreed", () => {
  const settings = readDeflateOptions({
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 12,
    serverNoContextTakeover: true,
    clientNoContextTakeover: false,
  });
  expect(agreedSides(settings, "server", [])).toEqual({
    out: { bits: 10, takeover: false },
    incoming: { bits: 15, takeover: true },
  });
  expect(agreedSides(settings, "client", [])).toEqual({
    out: { bits: 12, takeover: true },
    incoming: { bits: 15, takeover: true },
  });
  const agreed = [
    ["server_max_window_bits", "9"],
    ["client_max_window_bits", "11"],
    ["client_no_context_takeover", true],
  ] as const;
  expect(agreedSides(settings, "server", agreed)).toEqual({
    out: { bits: 9, takeover: false },
    incoming: { bits: 11, takeover: false },
  });
  expect(agreedSides(settings, "client", agreed)).toEqual({
    out: { bits: 11, takeover: false },
    incoming: { bits: 9, takeover: true },
  });
});
