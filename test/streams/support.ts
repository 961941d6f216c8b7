interface StreamPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Two ends of a connection, made of TransformStreams. `chunks` collects the chunks in one direction. */
export function duplexes(): { near: StreamPair; far: StreamPair; chunks: Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  const there = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      chunks.push(chunk);
      controller.enqueue(chunk);
    },
  });
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return {
    near: { readable: back.readable, writable: there.writable },
    far: { readable: there.readable, writable: back.writable },
    chunks,
  };
}

export function from<T>(items: Iterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.iterator]();
  return new ReadableStream<T>(
    {
      pull(controller) {
        const { done, value } = iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

/** All items of a stream, and its error. */
export async function all<T>(stream: ReadableStream<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = [];
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { items, error: undefined };
      items.push(value);
    }
  } catch (error) {
    return { items, error };
  }
}

/** Waits for everything that needs no outside event. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
