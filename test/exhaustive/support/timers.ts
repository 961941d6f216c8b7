import { afterAll, beforeAll, vi } from "vitest";

/** For tests in which no time may pass, however busy the machine is: timers never fire. */
export function withoutTimers(): void {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}
