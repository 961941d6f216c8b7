// Runs zlib in C on the file that codec.js has written: live streams, one for each connection, message by message,
// taking the connections in turn.
//
//   cc -O3 -o zlib zlib.c -lz
//   ./zlib FILE WARM_UP ROUNDS
//
// All numbers in FILE are u32 in the machine's byte order: the number of connections, the number of messages of each,
// and then for each message of each connection its length, its text, the length of its compressed form including the
// tail, and that form. The first WARM_UP messages of each connection fill its window and are not measured. The output
// is one line of JSON: microseconds per message in the best round, and the compression ratio.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define MOST_ROUNDS 100

typedef struct {
  uint8_t *text, *compressed;
  uint32_t text_length, compressed_length;
} Message;

static uint32_t connections, messages, warm_up, rounds;
static Message *all;
static uint8_t output[1 << 20];

static void fail(const char *what) {
  fprintf(stderr, "zlib: %s\n", what);
  exit(1);
}

static double microseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static uint32_t read_u32(FILE *file) {
  uint32_t value;
  if (fread(&value, 4, 1, file) != 1) fail("the file is too short");
  return value;
}

static uint8_t *read_bytes(FILE *file, uint32_t length) {
  uint8_t *bytes = malloc(length + 1);
  if (fread(bytes, 1, length, file) != length) fail("the file is too short");
  return bytes;
}

static void read_messages(const char *name) {
  FILE *file = fopen(name, "rb");
  if (!file) fail(name);
  connections = read_u32(file);
  messages = read_u32(file);
  all = calloc((size_t)connections * messages, sizeof *all);
  for (uint32_t i = 0; i < connections * messages; i++) {
    all[i].text_length = read_u32(file);
    all[i].text = read_bytes(file, all[i].text_length);
    all[i].compressed_length = read_u32(file);
    all[i].compressed = read_bytes(file, all[i].compressed_length);
  }
  fclose(file);
}

static const Message *message_of(uint32_t connection, uint32_t index) { return &all[connection * messages + index]; }

static void begin_inflate(z_stream *stream, int level) {
  (void)level;
  if (inflateInit2(stream, -15) != Z_OK) fail("inflateInit2()");
}

static uint32_t inflate_one(z_stream *stream, const Message *message) {
  stream->next_in = message->compressed;
  stream->avail_in = message->compressed_length;
  stream->next_out = output;
  stream->avail_out = sizeof output;
  if (inflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in) fail("inflate()");
  return sizeof output - stream->avail_out;
}

static void begin_deflate(z_stream *stream, int level) {
  if (deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) fail("deflateInit2()");
}

static uint32_t deflate_one(z_stream *stream, const Message *message) {
  stream->next_in = message->text;
  stream->avail_in = message->text_length;
  stream->next_out = output;
  stream->avail_out = sizeof output;
  if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in || !stream->avail_out) fail("deflate()");
  // Messages are sent without the tail.
  return sizeof output - stream->avail_out - 4;
}

// The time per message in the best round, and the number of output bytes in one round.
static double measure(void (*begin)(z_stream *, int), uint32_t (*one)(z_stream *, const Message *), int (*end)(z_stream *),
                      int level, uint64_t *bytes) {
  double best = 1e300;
  z_stream *streams = malloc(connections * sizeof *streams);
  for (uint32_t round = 0; round < rounds; round++) {
    memset(streams, 0, connections * sizeof *streams);
    for (uint32_t j = 0; j < connections; j++) begin(&streams[j], level);
    for (uint32_t i = 0; i < warm_up; i++) {
      for (uint32_t j = 0; j < connections; j++) one(&streams[j], message_of(j, i));
    }
    *bytes = 0;
    double start = microseconds();
    for (uint32_t i = warm_up; i < messages; i++) {
      for (uint32_t j = 0; j < connections; j++) *bytes += one(&streams[j], message_of(j, i));
    }
    double time = (microseconds() - start) / ((double)(messages - warm_up) * connections);
    if (time < best) best = time;
    for (uint32_t j = 0; j < connections; j++) end(&streams[j]);
  }
  free(streams);
  return best;
}

int main(int count, char **arguments) {
  if (count != 4) fail("see the first lines of zlib.c");
  read_messages(arguments[1]);
  warm_up = atoi(arguments[2]);
  rounds = atoi(arguments[3]);
  if (warm_up >= messages || rounds < 1 || rounds > MOST_ROUNDS) fail("nothing to measure");
  uint64_t length = 0, bytes;
  for (uint32_t j = 0; j < connections; j++) {
    for (uint32_t i = warm_up; i < messages; i++) length += message_of(j, i)->text_length;
  }
  double time = measure(begin_inflate, inflate_one, inflateEnd, 0, &bytes);
  if (bytes != length) fail("the inflated text differs from the compressed one");
  printf("{\"version\":\"%s\",\"inflate\":%.4f,\"deflate\":[", zlibVersion(), time);
  for (int level = 1; level <= 9; level++) {
    time = measure(begin_deflate, deflate_one, deflateEnd, level, &bytes);
    printf("%s{\"level\":%d,\"time\":%.4f,\"ratio\":%.5f}", level > 1 ? "," : "", level, time, (double)bytes / length);
  }
  printf("]}\n");
  return 0;
}
