// Messages of permessage-deflate from recordings.js, and their answers, which are inflated and compared.
//
// All numbers in a file are u32 in the machine's byte order: the number of recordings, the number of messages of each,
// and then four runs for each recording. A run has the lengths of all its pieces, and then the pieces.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zlib.h"

static void fail(const char *what);

typedef struct {
  const uint8_t *bytes;
  // The position of each piece, and of the end of the last one.
  uint64_t *offsets;
} Run;

typedef struct {
  // Texts and their frames. `first`, and then `again` repeatedly, have the previous messages as context. `alone` have
  // none.
  Run texts, first, again, alone;
} Recording;

static struct {
  Recording *all;
  uint32_t count, messages;
} recorded;

static uint32_t next_u32(const uint8_t **at) {
  uint32_t value;
  memcpy(&value, *at, 4);
  *at += 4;
  return value;
}

static Run next_run(const uint8_t **at) {
  Run run = {.offsets = malloc((recorded.messages + 1) * sizeof *run.offsets)};
  run.offsets[0] = 0;
  for (uint32_t i = 0; i < recorded.messages; i++) run.offsets[i + 1] = run.offsets[i] + next_u32(at);
  run.bytes = *at;
  *at += run.offsets[recorded.messages];
  return run;
}

static void read_recordings(const char *name) {
  FILE *file = fopen(name, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(name);
  long length = ftell(file);
  uint8_t *bytes = malloc(length);
  rewind(file);
  if (!bytes || fread(bytes, 1, length, file) != (size_t)length) fail(name);
  fclose(file);
  const uint8_t *at = bytes;
  recorded.count = next_u32(&at);
  recorded.messages = next_u32(&at);
  recorded.all = malloc(recorded.count * sizeof *recorded.all);
  for (uint32_t i = 0; i < recorded.count; i++) {
    recorded.all[i].texts = next_run(&at);
    recorded.all[i].first = next_run(&at);
    recorded.all[i].again = next_run(&at);
    recorded.all[i].alone = next_run(&at);
  }
}

// The sending state of one connection.
typedef struct {
  const Recording *recording;
  int takeover;
  // Complete messages, and bytes of the next one.
  uint64_t messages, bytes;
} Sending;

static const Run *run_of(const Sending *sending) {
  const Recording *recording = sending->recording;
  if (!sending->takeover) return &recording->alone;
  return sending->messages < recorded.messages ? &recording->first : &recording->again;
}

// The contiguous bytes that may be sent before message `end`. Returns their length.
static uint64_t pending(const Sending *sending, uint64_t end, const uint8_t **bytes) {
  if (sending->messages >= end) return 0;
  const Run *run = run_of(sending);
  uint64_t index = sending->messages % recorded.messages, last = index + (end - sending->messages);
  uint64_t from = run->offsets[index] + sending->bytes;
  *bytes = run->bytes + from;
  return run->offsets[last < recorded.messages ? last : recorded.messages] - from;
}

// Records that `length` pending bytes have been sent.
static void sent(Sending *sending, uint64_t length) {
  const uint64_t *offsets = run_of(sending)->offsets;
  uint64_t index = sending->messages % recorded.messages, until = offsets[index] + sending->bytes + length;
  while (index < recorded.messages && offsets[index + 1] <= until) index++, sending->messages++;
  sending->bytes = until - offsets[index];
}

// The receiving state of one connection.
typedef struct {
  const Recording *recording;
  // Complete messages, and the compared bytes of the next one's text.
  uint64_t messages, compared;
  uint8_t header[10];
  int header_length;
  // The current frame: its missing bytes, whether it ends its message, and whether the message is compressed.
  int in_frame, final, compressed;
  uint64_t missing;
  // Without zlib, compressed answers are only counted.
  int checked, ended;
  Inflating stream;
} Receiving;

static void compare(Receiving *receiving, const uint8_t *bytes, uint64_t length) {
  const Run *texts = &receiving->recording->texts;
  uint64_t index = receiving->messages % recorded.messages;
  uint64_t from = texts->offsets[index] + receiving->compared;
  if (from + length > texts->offsets[index + 1] || memcmp(bytes, texts->bytes + from, length)) fail("an answer");
  receiving->compared += length;
}

static void inflate_answer(Receiving *receiving, const uint8_t *bytes, uint64_t length) {
  static uint8_t inflated[65536];
  Inflating *stream = &receiving->stream;
  stream->next_in = bytes;
  stream->avail_in = length;
  do {
    if (receiving->ended && !inflate_on(stream)) fail("an answer");
    stream->next_out = inflated;
    stream->avail_out = sizeof inflated;
    int result = zlib.inflate(stream, Z_SYNC_FLUSH);
    if (result < 0 && result != Z_BUF_ERROR) fail("what an answer was compressed to");
    receiving->ended = result == Z_STREAM_END;
    compare(receiving, inflated, sizeof inflated - stream->avail_out);
  } while (stream->avail_in > 0 || (stream->avail_out == 0 && !receiving->ended));
}

static void read_payload(Receiving *receiving, const uint8_t *bytes, uint64_t length) {
  if (length == 0) return;
  if (!receiving->compressed) compare(receiving, bytes, length);
  else if (receiving->checked) inflate_answer(receiving, bytes, length);
}

static void end_message(Receiving *receiving) {
  static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};
  const uint64_t *offsets = receiving->recording->texts.offsets + receiving->messages % recorded.messages;
  if (receiving->compressed && receiving->checked && !receiving->ended) inflate_answer(receiving, tail, sizeof tail);
  if ((receiving->checked || !receiving->compressed) && receiving->compared != offsets[1] - offsets[0]) fail("an answer");
  receiving->messages++;
  receiving->compared = 0;
}

// Reads one byte of a header.
static void read_header(Receiving *receiving, uint8_t byte) {
  uint8_t *header = receiving->header;
  header[receiving->header_length++] = byte;
  int extended = receiving->header_length < 2 || header[1] < 126 ? 0 : header[1] == 126 ? 2 : 8;
  if (receiving->header_length < 2 + extended) return;
  int opcode = header[0] & 0x0f;
  if (opcode > 2 || header[1] > 127) fail("a frame");
  if (opcode) receiving->compressed = (header[0] & 0x40) != 0;
  receiving->final = header[0] >> 7;
  receiving->missing = extended ? 0 : header[1];
  for (int i = 0; i < extended; i++) receiving->missing = receiving->missing << 8 | header[2 + i];
  receiving->header_length = 0;
  receiving->in_frame = 1;
}

static void read_answers(Receiving *receiving, const uint8_t *bytes, uint64_t length) {
  while (length > 0) {
    if (!receiving->in_frame) {
      read_header(receiving, *bytes++);
      length--;
      if (!receiving->in_frame || receiving->missing > 0) continue;
    }
    uint64_t some = length < receiving->missing ? length : receiving->missing;
    read_payload(receiving, bytes, some);
    bytes += some;
    length -= some;
    receiving->missing -= some;
    if (receiving->missing > 0) continue;
    receiving->in_frame = 0;
    if (receiving->final) end_message(receiving);
  }
}
