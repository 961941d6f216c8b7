// Runs in workerd. A request for "/" returns the report, and one for "/streams" the results of streams over its
// sockets.

import { connect } from "cloudflare:sockets";
import * as wsframe from "wsframe";
import * as streams from "wsframe/streams";
import { each } from "./each.mjs";
import { deflate, report } from "./report.mjs";
import { streamCases } from "./stream-cases.mjs";

const sockets = { connect: async (port) => connect({ hostname: "127.0.0.1", port }) };

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const origin = searchParams.get("origin");
    const get = async (path) => new Uint8Array(await (await fetch(origin + path)).arrayBuffer());
    const extension = deflate(wsframe);
    const found =
      pathname === "/streams"
        ? await each(streamCases(sockets, origin, extension && [extension]))
        : await report({ wsframe, streams }, get);
    return Response.json({ runtime: navigator.userAgent, ...found });
  },
};
