// With `--compressed HOW` a server speaks permessage-deflate: HOW, otherwise undefined. It compresses every message, however short.

import process from "node:process";

const at = process.argv.indexOf("--compressed");

export const compressed = at === -1 ? undefined : process.argv[at + 1];
