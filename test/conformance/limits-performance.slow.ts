// The slowest part of limits-performance.test.ts.

import { test } from "vitest";
import { binaryOf, echoes } from "./support/echo.ts";
import { binary } from "./support/frames.ts";

test("binary of 16 MiB to a client, byte by byte", () => {
  const message = binary(binaryOf(16 * 1024 * 1024));
  echoes({ role: "client", core: "wasm" }, [message], [message], 1);
});
