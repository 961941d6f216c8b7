// Code that the clients on Node share.

import { Contents } from "../contents.ts";
import { obey, say } from "../lines.ts";
import type { Order } from "../order.ts";
import { refused, type Report } from "../report.ts";

/** Connects as ordered until the main process ends. */
export function run(connect: (order: Order, contents: Contents) => Promise<Report>): void {
  const contents = new Contents(Number(process.argv[2]));
  let open = 0;
  const follow = async (order: Order): Promise<void> => {
    open++;
    const report = await connect(order, contents).catch(refused);
    open--;
    say({ type: "report", id: order.id, report });
  };
  obey({}, { order: (order) => void follow(order), connections: () => open });
}
