// Checks whether both ends of a connection saw the same.

import { isHarmless, type Order } from "./order.ts";
import type { Direction, Report } from "./report.ts";

export interface Verdict {
  readonly outcome: "clean" | "cut" | "not opened";
  /** The problems, in readable form. */
  readonly faults: readonly string[];
}

/** @param server undefined if the server never had the connection @param client undefined if the client never reported it */
export function judge(order: Order, server: Report | undefined, client: Report | undefined): Verdict {
  const faults: string[] = [];
  if (client === undefined) faults.push("the client has not ended");
  if (client !== undefined && server !== undefined) {
    compare("from client to server", client.sent, server, faults);
    compare("from server to client", server.sent, client, faults);
  }
  if (client?.pongs === "wrong") faults.push("the server's Pongs are wrong");
  if (server?.pongs === "wrong") faults.push("the client's Pongs are wrong");
  const isOpen = client?.opened === true && server !== undefined;
  const isClean = isOpen && client.code === 1000 && server.code === 1000;
  if (client?.opened === true && server === undefined) faults.push("the server has not ended");
  if (isHarmless(order)) {
    if (isClean) faults.push(...missing(order, server, client));
    else faults.push(`it did not end cleanly: ${ending("client", client)}, ${ending("server", server)}`);
  }
  return { outcome: isClean ? "clean" : isOpen ? "cut" : "not opened", faults };
}

function ending(name: string, report: Report | undefined): string {
  if (report === undefined) return `${name}: nothing`;
  const { opened, code, error, closing } = report;
  const how = `${name}: ${opened ? code : "not opened"}${error ? ` (${error})` : ""}`;
  return closing === undefined ? how : `${how}, ${closing} ms after its close()`;
}

/**
 * An end that received the other's Close must have received all messages. Otherwise, it must have received the first
 * ones.
 */
function compare(where: string, sent: Direction, { code, received }: Report, faults: string[]): void {
  const { count } = received;
  const isRight = received.hashes.every((hash, index) => hash === sent.hashes[index]);
  if (code === 1006 ? count > sent.count : count !== sent.count) {
    faults.push(`${where}: ${count} messages instead of ${sent.count}`);
  }
  if (!isRight) {
    const first = received.hashes.findIndex((hash, index) => hash !== sent.hashes[index]);
    faults.push(`${where}: message ${first} differs`);
  }
}

/** Messages of the order that are missing. */
function missing({ up, down, echo, room }: Order, server: Report, client: Report): string[] {
  const faults: string[] = [];
  // The last message is END.
  const [fromClient, fromServer] = [up.length + 1, down.length + (echo ? up.length : 0) + 1];
  if (client.sent.count !== fromClient) faults.push(`the client sent ${client.sent.count} of ${fromClient} messages`);
  const { count } = server.sent;
  if (room > 0 ? count < fromServer : count !== fromServer) {
    faults.push(`the server sent ${count} of ${fromServer} messages`);
  }
  return faults;
}
