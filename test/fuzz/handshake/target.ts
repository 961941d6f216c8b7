// The target "handshake", which fuzzes heads, header fields and the negotiation of permessage-deflate in both roles.

import { shrinkList, shrinkOptions } from "../shrink.ts";
import type { Target } from "../target.ts";
import type { HandshakeCase } from "./case.ts";
import { changedHandshake, makeHandshakeCase } from "./generate.ts";
import { judge } from "./judge.ts";

export const handshakeTarget: Target<HandshakeCase> = {
  name: "handshake",
  unit: "handshakes",
  generate: makeHandshakeCase,
  mutate: changedHandshake,
  run: (one) => ({ units: 1, finding: judge(one) }),
  async shrink(one, fails) {
    const text = async (whole: string, failsWith: (text: string) => Promise<boolean>): Promise<string> =>
      (await shrinkList([...whole], (left) => failsWith(left.join("")))).join("");
    switch (one.kind) {
      case "request":
      case "response": {
        let left = { ...one };
        left = { ...left, cuts: [...(await shrinkList(left.cuts, (cuts) => fails({ ...left, cuts })))] };
        left = { ...left, text: await text(left.text, (text) => fails({ ...left, text })) };
        left = { ...left, protocols: await shrinkList(left.protocols, (protocols) => fails({ ...left, protocols })) };
        return { ...left, limits: await shrinkOptions(left.limits, (limits) => fails({ ...left, limits })) };
      }
      case "value":
        return { ...one, value: await text(one.value, (value) => fails({ ...one, value })) };
      default:
        return one;
    }
  },
};
