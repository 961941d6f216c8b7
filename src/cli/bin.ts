#!/usr/bin/env node
// Runs the command as a process.

import { main } from "./main.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has closed the pipe, as `head` does.
  if (error.code === "EPIPE") process.exit();
  throw error;
});

await main(process.argv.slice(2), process);
