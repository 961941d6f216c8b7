// The load for bench/e2e: an epoll loop that costs a server's client as little as can be, so that what is measured is the
// server. Each connection keeps a number of messages in flight; everything that comes back is compared with what is due.
//
//   cc -O2 -o load load.c && ./load PORT CONNECTIONS SIZE IN_FLIGHT WARM_UP_MS DURATION_MS [text|binary]
//
// It prints one line of JSON: messages, seconds, and its own processor time in seconds.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// How many messages there are, before they repeat: as many as fit in MEMORY bytes, at least one and at most MOST.
#define MEMORY (16 << 20)
#define MOST 4096
static uint64_t period_of(uint64_t frame) {
  uint64_t fit = MEMORY / frame;
  return fit < 1 ? 1 : fit > MOST ? MOST : fit;
}

// The most that one read() or write() takes.
#define CHUNK 65536

typedef struct {
  int fd;
  // In bytes of the streams. Both repeat with the same number of messages.
  uint64_t sent, received;
} Connection;

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "not what is due");
  exit(1);
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// Writes the header of a whole message, and returns its length.
static size_t header(uint8_t *out, int opcode, uint64_t size, int masked) {
  uint8_t mask = masked ? 0x80 : 0;
  out[0] = 0x80 | opcode;
  if (size < 126) {
    out[1] = mask | size;
    return 2;
  }
  int extended = size < 65536 ? 2 : 8;
  out[1] = mask | (extended == 2 ? 126 : 127);
  for (int i = 0; i < extended; i++) out[2 + i] = size >> 8 * (extended - 1 - i);
  return 2 + extended;
}

static int dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  static const char request[] =
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (write(fd, request, sizeof request - 1) != sizeof request - 1) fail("write");
  char response[4096];
  size_t length = 0;
  while (length < 4 || memcmp(response + length - 4, "\r\n\r\n", 4)) {
    if (length == sizeof response || read(fd, response + length, 1) != 1) fail("the response");
    length++;
  }
  if (memcmp(response, "HTTP/1.1 101", 12)) fail("the status");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

// The stream of so many messages, and once more the first CHUNK bytes of it, so that what is due is always in one piece.
static uint8_t *stream(int opcode, uint64_t size, uint64_t messages, int masked, uint64_t *frame) {
  uint8_t head[14];
  size_t head_size = header(head, opcode, size, masked);
  *frame = head_size + (masked ? 4 : 0) + size;
  uint64_t period = *frame * messages;
  uint8_t *bytes = malloc(period + CHUNK), *out = bytes;
  for (uint32_t i = 0; i < messages; i++) {
    memcpy(out, head, head_size);
    out += head_size;
    uint32_t key = masked ? (i + 1) * 2654435761u : 0;
    if (masked) memcpy(out, &key, 4), out += 4;
    for (uint64_t j = 0; j < size; j++) *out++ = ('a' + (i * 7 + j * 3) % 26) ^ (masked ? ((uint8_t *)&key)[j & 3] : 0);
  }
  for (uint64_t i = 0; i < CHUNK; i++) bytes[period + i] = bytes[i % period];
  return bytes;
}

int main(int count, char **arguments) {
  if (count < 7 || count > 8) return fprintf(stderr, "see the first lines of load.c\n"), 2;
  int port = atoi(arguments[1]), connections = atoi(arguments[2]);
  uint64_t size = strtoull(arguments[3], NULL, 10), in_flight = strtoull(arguments[4], NULL, 10);
  double warm_up = atof(arguments[5]) / 1e3, duration = atof(arguments[6]) / 1e3;
  int opcode = count == 8 && !strcmp(arguments[7], "binary") ? 2 : 1;

  uint64_t out_frame, in_frame, messages_of_period = period_of(size + 14);
  uint8_t *out = stream(opcode, size, messages_of_period, 1, &out_frame);
  uint8_t *due = stream(opcode, size, messages_of_period, 0, &in_frame), *buffer = malloc(CHUNK);
  uint64_t out_period = out_frame * messages_of_period, in_period = in_frame * messages_of_period;

  Connection *all = calloc(connections, sizeof *all);
  int poll = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    all[i].fd = dial(port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &all[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
  }

  struct epoll_event events[256];
  double start = seconds(), begin = 0, begin_cpu = 0, now;
  uint64_t messages = 0, begin_messages = 0;
  for (;;) {
    int ready = epoll_wait(poll, events, 256, 100);
    now = seconds();
    if (!begin && now - start >= warm_up) begin = now, begin_messages = messages, begin_cpu = cpu();
    if (now - start >= warm_up + duration) break;
    for (int i = 0; i < ready; i++) {
      Connection *one = events[i].data.ptr;
      // Reads and writes in turn until neither can go on.
      for (int moved = 1; moved;) {
        moved = 0;
        ssize_t length = read(one->fd, buffer, CHUNK);
        if (length == 0 || (length < 0 && errno != EAGAIN)) fail("read");
        if (length > 0) {
          errno = 0;
          if (memcmp(buffer, due + one->received % in_period, length)) fail("an echo");
          uint64_t before = one->received / in_frame;
          one->received += length;
          messages += one->received / in_frame - before;
          moved = length == CHUNK;
        }
        uint64_t allowed = (one->received / in_frame + in_flight) * out_frame;
        if (one->sent < allowed) {
          uint64_t offset = one->sent % out_period, most = allowed - one->sent;
          if (most > CHUNK) most = CHUNK;
          length = write(one->fd, out + offset, most);
          if (length < 0 && errno != EAGAIN) fail("write");
          if (length > 0) one->sent += length, moved |= one->sent < allowed;
        }
      }
    }
  }
  printf("{\"messages\":%llu,\"seconds\":%.6f,\"cpu\":%.6f}\n", (unsigned long long)(messages - begin_messages),
         now - begin, cpu() - begin_cpu);
  return 0;
}
