// Checks the orders and messages of a soak.

import { expect, test } from "vitest";
import { Contents, pieces } from "./contents.ts";
import { ABORTS, type ClientName, CUTS, HARMLESS, type Order } from "./order.ts";
import { Plan, sizeOf } from "./plan.ts";

const CLIENTS: ClientName[] = ["ws", "undici", "wsframe", "websockets", "chromium"];
const PLACES = { ports: {}, proxy: {}, clients: CLIENTS, longest: 60_000 };

function orders(seed: number, hasHttp2: boolean): Order[] {
  const plan = new Plan(seed, { ...PLACES, hasHttp2 });
  return Array.from({ length: 2500 }, () => plan.next());
}

test("the same seed gives both servers the same orders, except for HTTP/2", () => {
  const ws = orders(1, false);
  const wsframe = orders(1, true).map((order) => (order.way === "http2" ? { ...order, way: "tls" } : order));
  expect(wsframe).toEqual(ws);
  expect(orders(2, false)).not.toEqual(ws);
});

test("every client does everything that it can do", () => {
  const all = orders(1, true);
  const told = (client: ClientName, what: (order: Order) => unknown): unknown[] => [
    ...new Set(all.filter((order) => order.client === client).map(what)),
  ];
  const some = (client: ClientName, what: (order: Order) => boolean): boolean => told(client, what).includes(true);
  for (const client of CLIENTS) {
    const node = client === "ws" || client === "wsframe";
    expect(told(client, ({ proxy }) => proxy).sort()).toEqual([...HARMLESS, ...CUTS, undefined].sort());
    expect(told(client, ({ abort }) => abort?.how).sort()).toEqual(
      (node || client === "websockets" ? [...ABORTS, undefined] : [undefined]).sort(),
    );
    expect(some(client, ({ way }) => way === "http2")).toBe(client === "wsframe");
    expect(some(client, ({ slowClient }) => slowClient > 0)).toBe(client !== "undici");
    expect(some(client, ({ closer }) => closer === "eager")).toBe(node);
    expect(some(client, ({ up }) => up.some(([, , fragments]) => fragments > 1))).toBe(node || client === "websockets");
    for (const is of ["echo", "room", "pings", "slowServer"] as const) expect(some(client, (o) => !!o[is])).toBe(true);
  }
  const sizes = all.flatMap(({ up, down }) => [...up, ...down]).map(([, size]) => size);
  expect(sizes).toContain(0);
  expect(Math.max(...sizes)).toBeGreaterThan(3 << 20);
  expect(sizeOf({ ...all[0]!, up: [["text", 5, 1]], down: [["binary", 7, 1]], echo: true })).toBe(17);
});

test("texts and their pieces have no halves of surrogate pairs", () => {
  const contents = new Contents(1, 10_000);
  for (let count = 0; count < 2000; count++) {
    const text = contents.make("text", count);
    if (typeof text !== "string") expect.fail("it must be text");
    const parts = pieces(text, 1 + (count % 9));
    expect(parts.join("")).toBe(text);
    for (const part of [text, ...parts]) expect(part).not.toMatch(/\p{Surrogate}/u);
  }
});
