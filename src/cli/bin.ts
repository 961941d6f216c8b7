#!/usr/bin/env node
// The command as a process.

import { main } from "./main.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has seen enough, as `head` does.
  if (error.code === "EPIPE") process.exit();
  throw error;
});

await main(process.argv.slice(2), process);
