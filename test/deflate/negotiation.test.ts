// RFC 7692 §5 and §7.1: which offers are accepted and with what, and which responses are confirmed.

import { describe, expect, test } from "vitest";
import { perMessageDeflate } from "../../src/deflate/per-message-deflate.ts";
import type { PerMessageDeflateOptions } from "../../src/deflate/options.ts";
import { connect, open, parameters, text } from "./support/session.ts";

const SERVER_NO = "server_no_context_takeover";
const CLIENT_NO = "client_no_context_takeover";
const SERVER_BITS = "server_max_window_bits";
const CLIENT_BITS = "client_max_window_bits";

const NAMES = [SERVER_NO, CLIENT_NO, SERVER_BITS, CLIENT_BITS];
const WRONG_BITS = [
  "7",
  "16",
  "0",
  "-9",
  "08",
  "015",
  "+9",
  "9.0",
  "1e1",
  "0xa",
  "abc",
  "",
  " 9",
  "9 ",
  '"9"',
  "99999999999",
];

function accept(options: PerMessageDeflateOptions, offer: string): string | undefined {
  const response = perMessageDeflate(options).accept(parameters(offer));
  return response && text(response);
}

function offers(options: PerMessageDeflateOptions): string[] {
  return perMessageDeflate(options).offer().map(text);
}

function confirm(options: PerMessageDeflateOptions, response: string): boolean {
  return perMessageDeflate(options).confirm(parameters(response));
}

test("RFC 7692 §6 and §7: the extension is permessage-deflate and owns RSV1", () => {
  const { name, rsv } = perMessageDeflate();
  expect([name, rsv]).toEqual(["permessage-deflate", 4]);
});

describe("offers of a client", () => {
  const cases: [options: PerMessageDeflateOptions, expected: string[]][] = [
    [{}, [CLIENT_BITS]],
    [{ clientMaxWindowBits: true }, [CLIENT_BITS]],
    [{ clientMaxWindowBits: false }, [""]],
    [{ clientMaxWindowBits: 10 }, [`${CLIENT_BITS}=10`]],
    [{ serverMaxWindowBits: 8 }, [`${SERVER_BITS}=8; ${CLIENT_BITS}`]],
    [{ serverMaxWindowBits: false }, [CLIENT_BITS]],
    [{ serverNoContextTakeover: true }, [`${SERVER_NO}; ${CLIENT_BITS}`]],
    [{ clientNoContextTakeover: true }, [`${CLIENT_NO}; ${CLIENT_BITS}`]],
    [{ serverNoContextTakeover: false, clientNoContextTakeover: false }, [CLIENT_BITS]],
    [
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 15,
        clientMaxWindowBits: 9,
      },
      [`${SERVER_NO}; ${CLIENT_NO}; ${SERVER_BITS}=15; ${CLIENT_BITS}=9`],
    ],
    [{ serverMaxWindowBits: 10, fallback: true }, [`${SERVER_BITS}=10; ${CLIENT_BITS}`, CLIENT_BITS]],
    [{ clientMaxWindowBits: 10, fallback: true }, [`${CLIENT_BITS}=10`]],
  ];
  test.each(cases)("%j", (options, expected) => expect(offers(options)).toEqual(expected));
});

describe("RFC 7692 §7.1: a server declines an offer with", () => {
  test("an unknown parameter", () => {
    expect(accept({}, "window_bits=10")).toBe(undefined);
    expect(accept({}, `${CLIENT_BITS}; x`)).toBe(undefined);
    expect(accept({}, "__proto__; constructor=1")).toBe(undefined);
    expect(accept({}, CLIENT_BITS.toUpperCase())).toBe(undefined);
  });

  test.each(NAMES)("a repeated %s", (name) => {
    const value = name.endsWith("bits") ? "=10" : "";
    expect(accept({}, `${name}${value}`)).not.toBe(undefined);
    expect(accept({}, `${name}${value}; ${name}${value}`)).toBe(undefined);
    expect(accept({}, `${CLIENT_BITS}; ${CLIENT_BITS}=10`)).toBe(undefined);
  });

  test.each([SERVER_NO, CLIENT_NO])("§7.1.1: a value of %s", (name) => {
    for (const value of ["", "true", "1", "false"]) expect(accept({}, `${name}=${value}`)).toBe(undefined);
  });

  test.each([SERVER_BITS, CLIENT_BITS])("§7.1.2: a value of %s other than 8 to 15 without leading zeros", (name) => {
    for (const value of WRONG_BITS) {
      expect(perMessageDeflate().accept([[name, value]]), JSON.stringify(value)).toBe(undefined);
    }
    for (let bits = 8; bits <= 15; bits++) expect(accept({}, `${name}=${bits}`)).toBe(`${name}=${bits}`);
  });

  test("§7.1.2.1: server_max_window_bits without a value", () => expect(accept({}, SERVER_BITS)).toBe(undefined));
});

describe("responses of a server", () => {
  const cases: [section: string, options: PerMessageDeflateOptions, offer: string, expected: string | undefined][] = [
    ["§5.1: nothing asked, nothing answered", {}, "", ""],
    ["§7.1.1.1: what is asked is included", {}, SERVER_NO, SERVER_NO],
    ["§7.1.1.1: may be included unasked", { serverNoContextTakeover: true }, "", SERVER_NO],
    ["§7.1.1.1: may be declined", { serverNoContextTakeover: false }, SERVER_NO, undefined],
    ["§7.1.1.2: the hint is taken up", {}, CLIENT_NO, CLIENT_NO],
    ["§7.1.1.2: or not", { clientNoContextTakeover: false }, CLIENT_NO, ""],
    ["§7.1.1.2: may be included unasked", { clientNoContextTakeover: true }, "", CLIENT_NO],
    ["§7.1.2.1: the same value", {}, `${SERVER_BITS}=12`, `${SERVER_BITS}=12`],
    ["§7.1.2.1: a smaller value", { serverMaxWindowBits: 10 }, `${SERVER_BITS}=12`, `${SERVER_BITS}=10`],
    ["§7.1.2.1: never a larger value", { serverMaxWindowBits: 14 }, `${SERVER_BITS}=12`, `${SERVER_BITS}=12`],
    ["§7.1.2.1: may be included unasked", { serverMaxWindowBits: 10 }, "", `${SERVER_BITS}=10`],
    ["§7.1.2.1: may be declined", { serverMaxWindowBits: false }, `${SERVER_BITS}=12`, undefined],
    ["§7.1.2.2: without value, nothing to answer", {}, CLIENT_BITS, ""],
    ["§7.1.2.2: without value, any value", { clientMaxWindowBits: 9 }, CLIENT_BITS, `${CLIENT_BITS}=9`],
    ["§7.1.2.2: the same value", {}, `${CLIENT_BITS}=11`, `${CLIENT_BITS}=11`],
    ["§7.1.2.2: a smaller value", { clientMaxWindowBits: 9 }, `${CLIENT_BITS}=11`, `${CLIENT_BITS}=9`],
    ["§7.1.2.2: never a larger value", { clientMaxWindowBits: 12 }, `${CLIENT_BITS}=11`, `${CLIENT_BITS}=11`],
    ["§7.1.2.2: not unless offered", { clientMaxWindowBits: 9 }, "", undefined],
    ["§7.1.2.2: not unless offered, also 15", { clientMaxWindowBits: 15 }, "", ""],
    ["§7.1.2.2: may be declined", { clientMaxWindowBits: false }, `${CLIENT_BITS}=11`, undefined],
    ["§7.1.2.2: may be ignored", { clientMaxWindowBits: false }, CLIENT_BITS, ""],
    [
      "§7.1: all at once",
      {},
      `${CLIENT_BITS}=9; ${SERVER_BITS}=8; ${CLIENT_NO}; ${SERVER_NO}`,
      `${SERVER_NO}; ${CLIENT_NO}; ${SERVER_BITS}=8; ${CLIENT_BITS}=9`,
    ],
  ];
  test.each(cases)("%s", (_, options, offer, expected) => expect(accept(options, offer)).toBe(expected));
});

describe("RFC 7692 §7.1: a client refuses a response with", () => {
  test("an unknown parameter", () => expect(confirm({}, "x")).toBe(false));

  test("a repeated parameter", () => {
    for (const name of [SERVER_NO, CLIENT_NO, `${SERVER_BITS}=10`, `${CLIENT_BITS}=10`]) {
      expect(confirm({}, name)).toBe(true);
      expect(confirm({}, `${name}; ${name}`)).toBe(false);
    }
  });

  test("a value that is superfluous, missing or not allowed", () => {
    for (const wrong of [`${SERVER_NO}=1`, `${CLIENT_NO}=true`, SERVER_BITS, CLIENT_BITS]) {
      expect(confirm({}, wrong), wrong).toBe(false);
    }
    for (const name of [SERVER_BITS, CLIENT_BITS]) {
      for (const value of WRONG_BITS) expect(perMessageDeflate().confirm([[name, value]]), value).toBe(false);
    }
  });
});

describe("responses to a client", () => {
  const cases: [section: string, options: PerMessageDeflateOptions, response: string, expected: boolean][] = [
    ["§5.1: none", {}, "", true],
    ["§7.1.1.1: unasked", {}, SERVER_NO, true],
    ["§7.1.1.1: asked for and confirmed", { serverNoContextTakeover: true }, SERVER_NO, true],
    ["§7.1.1.1: asked for and not confirmed", { serverNoContextTakeover: true }, "", false],
    ["§7.1.1.1: the same, with a fallback", { serverNoContextTakeover: true, fallback: true }, "", true],
    ["§7.1.1.2: unasked", {}, CLIENT_NO, true],
    ["§7.1.1.2: refused", { clientNoContextTakeover: false }, CLIENT_NO, false],
    ["§7.1.1.2: a hint that is not taken up", { clientNoContextTakeover: true }, "", true],
    ["§7.1.2.1: unasked", {}, `${SERVER_BITS}=8`, true],
    ["§7.1.2.1: the same value", { serverMaxWindowBits: 10 }, `${SERVER_BITS}=10`, true],
    ["§7.1.2.1: a smaller value", { serverMaxWindowBits: 10 }, `${SERVER_BITS}=9`, true],
    ["§7.1.2.1: a larger value", { serverMaxWindowBits: 10 }, `${SERVER_BITS}=11`, false],
    ["§7.1.2.1: not confirmed", { serverMaxWindowBits: 10 }, "", false],
    ["§7.1.2.1: the same, with a fallback", { serverMaxWindowBits: 10, fallback: true }, "", true],
    ["§7.1.2.2: offered without value", {}, `${CLIENT_BITS}=8`, true],
    ["§7.1.2.2: the same value", { clientMaxWindowBits: 12 }, `${CLIENT_BITS}=12`, true],
    ["§7.1.2.2: a smaller value", { clientMaxWindowBits: 12 }, `${CLIENT_BITS}=11`, true],
    ["§7.1.2.2: a larger value", { clientMaxWindowBits: 12 }, `${CLIENT_BITS}=13`, false],
    ["§7.1.2.2: not offered", { clientMaxWindowBits: false }, `${CLIENT_BITS}=15`, false],
    ["§7.1.2.2: ignored", { clientMaxWindowBits: 12 }, "", true],
  ];
  test.each(cases)("%s", (_, options, response, expected) => expect(confirm(options, response)).toBe(expected));
});

test("the client confirms each answer to each offer, and both can open it", () => {
  const choices: PerMessageDeflateOptions[] = [];
  const flags = [undefined, true];
  for (const serverNoContextTakeover of flags) {
    for (const clientNoContextTakeover of flags) {
      for (const serverMaxWindowBits of [undefined, 8, 12, 15]) {
        for (const clientMaxWindowBits of [undefined, 8, 12, 15]) {
          choices.push({
            ...(serverNoContextTakeover && { serverNoContextTakeover }),
            ...(clientNoContextTakeover && { clientNoContextTakeover }),
            ...(serverMaxWindowBits && { serverMaxWindowBits }),
            ...(clientMaxWindowBits && { clientMaxWindowBits }),
          });
        }
      }
    }
  }
  for (const client of choices) for (const server of choices) connect(client, server);
});

test("a server takes the first offer that it supports", () => {
  const server: PerMessageDeflateOptions = { serverMaxWindowBits: false };
  expect(() => connect({ serverMaxWindowBits: 10 }, server)).toThrow("declines");
  expect(connect({ serverMaxWindowBits: 10, fallback: true }, server).agreed).toBe("");
});

describe("invalid options", () => {
  const cases: [string, object][] = [
    ["serverMaxWindowBits", { serverMaxWindowBits: 7 }],
    ["clientMaxWindowBits", { clientMaxWindowBits: 16 }],
    ["clientMaxWindowBits", { clientMaxWindowBits: "10" }],
    ["serverNoContextTakeover", { serverNoContextTakeover: 1 }],
    ["fallback", { fallback: "yes" }],
    ["threshold", { threshold: -1 }],
    ["threshold", { threshold: Number.NaN }],
    ["level", { level: 10 }],
    ["memLevel", { memLevel: 0 }],
    ["strategy", { strategy: 5 }],
    ["history", { history: -1 }],
    ["contextBudget", { contextBudget: -1 }],
    ["releaseAfter", { releaseAfter: -1 }],
    ["maxInflateRatio", { maxInflateRatio: 0 }],
  ];
  test.each(cases)("%s: %j", (name, options) => expect(() => perMessageDeflate(options)).toThrow(name));
});

test("open() needs a role and the parameters of a response", () => {
  expect(() => open("server", [["x", true]])).toThrow(TypeError);
  expect(() => open("server", parameters(CLIENT_BITS))).toThrow(TypeError);
  // @ts-expect-error not a role
  expect(() => open("proxy")).toThrow(TypeError);
  open("server", []);
});
