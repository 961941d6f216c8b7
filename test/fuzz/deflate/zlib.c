// The reference zlib of the fuzzer: reads jobs from standard input to its end and writes the results. c-oracle.ts
// describes the formats. Numbers are little-endian.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { DEFLATE = 1, INFLATE = 2 };
enum { OK = 0, WRONG = 1, END_OF_INPUT = 2, TOO_LONG = 3, FINAL_BLOCKS = 4, SKIPPED = 5 };
enum { WINDOW = 32768, MOST_OUTPUT = 1 << 19, MOST_FINAL_BLOCKS = 64 };

static unsigned char *input;
static size_t input_length, at;
static unsigned char *results;
static size_t results_length, results_capacity;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void *need(void *memory) {
  if (!memory) fail("out of memory");
  return memory;
}

static uint32_t read_number(int bytes) {
  uint32_t value = 0;
  if (at + bytes > input_length) fail("the input ends inside a job");
  for (int i = 0; i < bytes; i++) value |= (uint32_t)input[at++] << (8 * i);
  return value;
}

static unsigned char *read_bytes(uint32_t length) {
  if (at + length > input_length) fail("the input ends inside a job");
  at += length;
  return input + at - length;
}

static void write_bytes(const void *bytes, size_t length) {
  if (results_length + length > results_capacity) {
    results_capacity = 2 * (results_length + length);
    results = need(realloc(results, results_capacity));
  }
  memcpy(results + results_length, bytes, length);
  results_length += length;
}

static void write_number(uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++, value >>= 8) write_bytes(&(unsigned char){(unsigned char)value}, 1);
}

// Streams are kept, because creating one takes longer than using it.

static z_stream *deflaters[16][10];
static z_stream *inflaters[16];

static z_stream *deflater(int level, int bits, int memory, int strategy) {
  z_stream *stream = deflaters[bits][memory];
  if (!stream) {
    stream = deflaters[bits][memory] = need(calloc(1, sizeof(z_stream)));
    if (deflateInit2(stream, 6, Z_DEFLATED, -bits, memory, 0) != Z_OK) fail("deflateInit2");
  }
  deflateReset(stream);
  if (deflateParams(stream, level, strategy) != Z_OK) fail("deflateParams");
  return stream;
}

static z_stream *inflater(int bits) {
  z_stream *stream = inflaters[bits];
  if (!stream) {
    stream = inflaters[bits] = need(calloc(1, sizeof(z_stream)));
    if (inflateInit2(stream, -bits) != Z_OK) fail("inflateInit2");
  }
  inflateReset(stream);
  return stream;
}

/** All output so far, after the dictionary. */
static unsigned char output[WINDOW + (MOST_OUTPUT << 4)];

static void run_deflate(void) {
  int level = (int)read_number(1) - 1;
  int bits = read_number(1), memory = read_number(1), strategy = read_number(1);
  uint32_t segments = read_number(4);
  z_stream *stream = deflater(level, bits, memory, strategy);
  unsigned char *message = NULL;
  size_t capacity = 0, length = 0;
  size_t total = 0;
  for (uint32_t i = 0; i < segments; i++) {
    int flush = read_number(1), ends = read_number(1);
    uint32_t size = read_number(4);
    unsigned char *bytes = read_bytes(size);
    stream->next_in = bytes;
    stream->avail_in = size;
    do {
      if (capacity - length < 65536) message = need(realloc(message, capacity = 2 * capacity + 65536));
      stream->next_out = message + length;
      stream->avail_out = (uInt)(capacity - length);
      int result = deflate(stream, flush);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) fail("deflate");
      length = capacity - stream->avail_out;
    } while (!stream->avail_out);
    if (total + size > sizeof(output)) fail("a deflate job is too long");
    memcpy(output + total, bytes, size);
    total += size;
    if (flush == Z_FINISH) {
      // The context continues after a final block.
      size_t kept = total < WINDOW ? total : WINDOW;
      deflateReset(stream);
      deflateSetDictionary(stream, output + total - kept, (uInt)kept);
    }
    if (!ends) continue;
    write_number((uint32_t)length, 4);
    write_bytes(message, length);
    length = 0;
  }
  free(message);
}

/** Inflates one message that includes its tail. Output continues at `*total`. */
static int inflate_message(z_stream *stream, int bits, unsigned char *bytes, uint32_t size, size_t *total, uint32_t step) {
  size_t limit = *total + MOST_OUTPUT;
  int final_blocks = 0;
  int type = 0;
  stream->next_in = bytes;
  stream->avail_in = size;
  for (;;) {
    size_t room = limit - *total;
    uInt given = (uInt)(step && step < room ? step : room);
    stream->next_out = output + *total;
    stream->avail_out = given;
    int result = inflate(stream, Z_SYNC_FLUSH);
    *total += given - stream->avail_out;
    if (result == Z_STREAM_END) {
      if (++final_blocks > MOST_FINAL_BLOCKS) return FINAL_BLOCKS;
      uint32_t left = stream->avail_in;
      unsigned char *next = stream->next_in;
      size_t kept = *total < ((size_t)1 << bits) ? *total : (size_t)1 << bits;
      inflateReset(stream);
      inflateSetDictionary(stream, output + *total - kept, (uInt)kept);
      stream->next_in = next;
      stream->avail_in = left;
      // Only the tail is left, or the tail was part of the block.
      if (left == 4 || left == 0) return OK;
      continue;
    }
    // A call without progress loses the state of being between blocks.
    if (result != Z_BUF_ERROR) type = stream->data_type;
    if (result == Z_BUF_ERROR || (result == Z_OK && !stream->avail_in && stream->avail_out)) {
      return (type & 128) && !(type & 63) ? OK : END_OF_INPUT;
    }
    if (result != Z_OK) return WRONG;
    if (*total == limit) return TOO_LONG;
  }
}

static void run_inflate(void) {
  int bits = read_number(1);
  uint32_t step = read_number(4);
  uint32_t dictionary = read_number(4);
  unsigned char *before = read_bytes(dictionary);
  uint32_t messages = read_number(4);
  z_stream *stream = inflater(bits);
  size_t total = dictionary;
  int failed = 0;
  memcpy(output, before, dictionary);
  if (dictionary) {
    uint32_t kept = dictionary < (1u << bits) ? dictionary : 1u << bits;
    inflateSetDictionary(stream, before + dictionary - kept, kept);
  }
  for (uint32_t i = 0; i < messages; i++) {
    uint32_t size = read_number(4);
    unsigned char *bytes = read_bytes(size);
    size_t from = total;
    if (failed || total + MOST_OUTPUT > sizeof(output)) {
      write_number(SKIPPED, 1);
      write_number(0, 4);
      continue;
    }
    int result = inflate_message(stream, bits, bytes, size, &total, step);
    write_number(result, 1);
    write_number((uint32_t)(total - from), 4);
    write_bytes(output + from, total - from);
    failed = result != OK;
  }
}

int main(void) {
  size_t capacity = 1 << 20;
  input = need(malloc(capacity));
  for (size_t got; (got = fread(input + input_length, 1, capacity - input_length, stdin)) > 0;) {
    input_length += got;
    if (input_length == capacity) input = need(realloc(input, capacity *= 2));
  }
  while (at < input_length) {
    int job = read_number(1);
    if (job == DEFLATE) run_deflate();
    else if (job == INFLATE) run_inflate();
    else fail("no such job");
  }
  fwrite(results, 1, results_length, stdout);
  return fflush(stdout) ? 1 : 0;
}
