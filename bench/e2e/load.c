// The load for bench/e2e: an epoll loop that does as little as possible, so that the server is the limit. It compares
// everything that comes back with the expected bytes.
//
//   cc -O2 -o load load.c -ldl
//   ./load --port N --connections N --size BYTES --warm-up SECONDS --duration SECONDS [--binary] [--tls]
//
// and one of
//
//   --in-flight N   keep N messages in flight on each connection, which the server echoes
//   --rate N        send N messages per second, on the connections in turn; each has a due time, whatever is in flight
//   --broadcast N   the server sends N messages to every connection for each message on the first connection;
//                   --in-flight says how many of these messages it gets ahead (up to 63)
//
// With --recordings FILE, the messages are those that recordings.js has written, compressed with permessage-deflate,
// and --size is ignored. If there is a libz, the answers are inflated and compared. ./load --can-tls exits with 0 if
// there is a libssl.
//
// The output is one line of JSON: messages, seconds, and its own processor time in seconds. With recordings, also the
// bytes that came back, the number of all messages including the warm-up, the negotiated parameters, and whether
// answers were compared. With a rate, also percentiles in milliseconds: of the latency, which counts from the due time
// of a message, and of how late the load itself sent it.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "recordings.h"
#include "tls.h"

// The letters of a message repeat after 26 messages. So do broadcasts, which the servers count.
#define LETTERS 26
// The number of messages before they repeat: as many as fit in MEMORY bytes, from one to MOST.
#define MEMORY (16 << 20)
#define MOST (160 * LETTERS)
static uint64_t period_of(uint64_t frame) {
  uint64_t fit = MEMORY / frame;
  return fit < 1 ? 1 : fit > MOST ? MOST : fit;
}

// The maximum size of a read() or write().
#define CHUNK 65536
// The maximum number of broadcast turns in progress.
#define MOST_TURNS 64
// How long the last answers may take, in seconds.
#define PATIENCE 10

typedef struct {
  int fd;
  void *ssl;
  uint64_t index;
  // Positions in the streams, in bytes. Both streams repeat after the same number of messages.
  uint64_t sent, received;
  // With a rate: the number of messages that have become due.
  uint64_t issued;
  // With recordings.
  Sending sending;
  Receiving receiving;
} Connection;

static struct {
  int port, connections, binary, tls;
  uint64_t size, in_flight, broadcast;
  double warm_up, duration, rate;
  const char *recordings;
} options;

static Connection *all;
static uint8_t *out, *due, buffer[CHUNK];
static uint64_t out_frame, in_frame, out_period, in_period;
static uint64_t messages;

// With recordings: the bytes that came back, and what the last server has agreed to.
static uint64_t bytes_received;
static char agreed[256];

// With a rate: when the first message was due, when counting starts, and the results.
static double first_due, counts_from;
static Histogram latency, lateness;

// Broadcasts: the number of turns that every connection has received, and how many connections have received those in
// progress.
static uint64_t turns;
static int arrived[MOST_TURNS];

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "unexpected data");
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

// Writes the header of an unfragmented message, and returns its length.
static size_t header(uint8_t *bytes, int opcode, uint64_t size, int masked) {
  uint8_t mask = masked ? 0x80 : 0;
  bytes[0] = 0x80 | opcode;
  if (size < 126) {
    bytes[1] = mask | size;
    return 2;
  }
  int extended = size < 65536 ? 2 : 8;
  bytes[1] = mask | (extended == 2 ? 126 : 127);
  for (int i = 0; i < extended; i++) bytes[2 + i] = size >> 8 * (extended - 1 - i);
  return 2 + extended;
}

// The stream of `count` messages, followed by its first CHUNK bytes again, so that the expected bytes are always
// contiguous.
static uint8_t *stream(uint64_t size, uint64_t count, int masked, uint64_t *frame) {
  uint8_t head[14];
  size_t head_size = header(head, options.binary ? 2 : 1, size, masked);
  *frame = head_size + (masked ? 4 : 0) + size;
  uint64_t period = *frame * count;
  uint8_t *bytes = malloc(period + CHUNK), *next = bytes;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(next, head, head_size);
    next += head_size;
    uint32_t key = masked ? (i + 1) * 2654435761u : 0;
    if (masked) memcpy(next, &key, 4), next += 4;
    for (uint64_t j = 0; j < size; j++) {
      *next++ = ('a' + (i * 7 + j * 3) % LETTERS) ^ (masked ? ((uint8_t *)&key)[j & 3] : 0);
    }
  }
  for (uint64_t i = 0; i < CHUNK; i++) bytes[period + i] = bytes[i % period];
  return bytes;
}

// Reads and writes without waiting. Returns 0 if nothing is possible.
static size_t pull(Connection *one, uint8_t *bytes, size_t most) {
  errno = 0;
  if (one->ssl) {
    int length = tls.SSL_read(one->ssl, bytes, most);
    if (length <= 0 && tls.SSL_get_error(one->ssl, length) != SSL_ERROR_WANT_READ) fail("SSL_read");
    return length > 0 ? length : 0;
  }
  ssize_t length = read(one->fd, bytes, most);
  if (length == 0 || (length < 0 && errno != EAGAIN)) fail("read");
  return length > 0 ? length : 0;
}

static size_t push(Connection *one, const uint8_t *bytes, size_t most) {
  errno = 0;
  if (one->ssl) {
    int length = tls.SSL_write(one->ssl, bytes, most);
    if (length <= 0 && tls.SSL_get_error(one->ssl, length) != SSL_ERROR_WANT_WRITE) fail("SSL_write");
    return length > 0 ? length : 0;
  }
  ssize_t length = write(one->fd, bytes, most);
  if (length < 0 && errno != EAGAIN) fail("write");
  return length > 0 ? length : 0;
}

// Starts permessage-deflate with the parameters in the response.
static void agree(Connection *one, const char *response) {
  const char *value = strcasestr(response, "\r\nsec-websocket-extensions: ");
  errno = 0;
  if (!value || sscanf(value + 2, "%*[^:]: %255[^\r]", agreed) != 1) fail("without permessage-deflate, the response");
  const Recording *recording = &recorded.all[one->index % recorded.count];
  one->sending = (Sending){.recording = recording, .takeover = !strstr(agreed, "client_no_context_takeover")};
  one->receiving = (Receiving){.recording = recording, .checked = zlib.inflate != NULL};
  if (one->receiving.checked && !inflating(&one->receiving.stream)) fail("inflateInit2()");
}

static void dial(Connection *one, void *context) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  one->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (context) {
    one->ssl = tls.SSL_new(context);
    if (!one->ssl || tls.SSL_set_fd(one->ssl, one->fd) != 1 || tls.SSL_connect(one->ssl) != 1) fail("SSL_connect");
  }
  char request[512];
  int size = snprintf(request, sizeof request,
                      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                      options.recordings ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  if (push(one, (const uint8_t *)request, size) != (size_t)size) fail("the request");
  char response[4096] = "";
  size_t length = 0;
  while (length < 4 || memcmp(response + length - 4, "\r\n\r\n", 4)) {
    if (length == sizeof response - 1 || pull(one, (uint8_t *)response + length, 1) != 1) fail("the response");
    length++;
  }
  if (memcmp(response, "HTTP/1.1 101", 12)) fail("the status");
  if (options.recordings) agree(one, response);
  fcntl(one->fd, F_SETFL, O_NONBLOCK);
}

static double due_at(uint64_t message) { return first_due + message / options.rate; }

static void record_since(Histogram *histogram, double time, double now) {
  record(histogram, now > time ? (now - time) * 1e9 : 0);
}

// Records that a connection has now received `count` messages, after `before`.
static void receive(Connection *one, uint64_t before, uint64_t count) {
  messages += count - before;
  if (options.rate) {
    double now = seconds();
    for (uint64_t i = before; i < count; i++) {
      double time = due_at(i * options.connections + one->index);
      if (time >= counts_from) record_since(&latency, time, now);
    }
  } else if (options.broadcast) {
    for (uint64_t turn = before / options.broadcast; turn < count / options.broadcast; turn++) {
      arrived[turn % MOST_TURNS]++;
    }
    while (arrived[turns % MOST_TURNS] == options.connections) arrived[turns++ % MOST_TURNS] = 0;
  }
}

// The number of messages that a connection may have sent by now.
static uint64_t allowed(const Connection *one) {
  if (options.rate) return one->issued;
  if (options.broadcast) return one->index == 0 ? turns + options.in_flight : 0;
  return (options.recordings ? one->receiving.messages : one->received / in_frame) + options.in_flight;
}

// Reads once and compares. Returns whether there may be more.
static int take(Connection *one) {
  size_t length = pull(one, buffer, CHUNK);
  if (length == 0) return 0;
  errno = 0;
  if (options.recordings) {
    uint64_t before = one->receiving.messages;
    bytes_received += length;
    read_answers(&one->receiving, buffer, length);
    receive(one, before, one->receiving.messages);
    return one->ssl || length == CHUNK;
  }
  if (memcmp(buffer, due + one->received % in_period, length)) fail("an answer");
  uint64_t before = one->received / in_frame;
  one->received += length;
  receive(one, before, one->received / in_frame);
  // A shorter read has emptied the socket. SSL_read() returns one record.
  return one->ssl || length == CHUNK;
}

// Writes once if allowed. Returns whether the socket may accept more of it.
static int give(Connection *one) {
  if (options.recordings) {
    const uint8_t *bytes;
    uint64_t end = allowed(one), most = pending(&one->sending, end, &bytes);
    if (most == 0) return 0;
    size_t length = push(one, bytes, most > CHUNK ? CHUNK : most);
    sent(&one->sending, length);
    return length > 0 && one->sending.messages < end;
  }
  uint64_t end = allowed(one) * out_frame;
  if (one->sent >= end) return 0;
  uint64_t most = end - one->sent;
  size_t length = push(one, out + one->sent % out_period, most > CHUNK ? CHUNK : most);
  one->sent += length;
  return length > 0 && one->sent < end;
}

// Alternates between reading and writing until neither is possible.
static void exchange(Connection *one) {
  while (take(one) | give(one)) continue;
}

// Sends the messages that are due, and sets the timer for the next one. It returns to reading in between if it is late.
static void keep_pace(int timer, uint64_t *issued, double end) {
  double time;
  for (int most = 256; (time = due_at(*issued)) <= seconds() && time < end && most > 0; most--) {
    Connection *one = &all[(*issued)++ % options.connections];
    one->issued++;
    give(one);
    if (time >= counts_from) record_since(&lateness, time, seconds());
  }
  struct itimerspec next = {.it_value = {.tv_sec = time, .tv_nsec = (time - (uint64_t)time) * 1e9}};
  if (time < end) timerfd_settime(timer, TFD_TIMER_ABSTIME, &next, NULL);
}

static void print_percentiles(const char *name, const Histogram *histogram) {
  static const struct {
    const char *name;
    double part;
  } all[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
  printf(",\"%s\":{", name);
  for (int i = 0; i < 4; i++) printf("\"%s\":%.6f,", all[i].name, percentile(histogram, all[i].part) / 1e6);
  printf("\"max\":%.6f}", histogram->greatest / 1e6);
}

static void read_options(int count, char **arguments) {
  static const struct option names[] = {
      {"port", 1, NULL, 'p'},      {"connections", 1, NULL, 'c'}, {"size", 1, NULL, 's'},   {"in-flight", 1, NULL, 'f'},
      {"warm-up", 1, NULL, 'w'},   {"duration", 1, NULL, 'd'},    {"rate", 1, NULL, 'r'},   {"broadcast", 1, NULL, 'n'},
      {"binary", 0, NULL, 'b'},    {"tls", 0, NULL, 't'},         {"can-tls", 0, NULL, 'T'}, {"recordings", 1, NULL, 'R'},
      {NULL, 0, NULL, 0}};
  for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
    if (name == 'p') options.port = atoi(optarg);
    else if (name == 'c') options.connections = atoi(optarg);
    else if (name == 's') options.size = strtoull(optarg, NULL, 10);
    else if (name == 'f') options.in_flight = strtoull(optarg, NULL, 10);
    else if (name == 'w') options.warm_up = atof(optarg);
    else if (name == 'd') options.duration = atof(optarg);
    else if (name == 'r') options.rate = atof(optarg);
    else if (name == 'n') options.broadcast = strtoull(optarg, NULL, 10);
    else if (name == 'R') options.recordings = optarg;
    else if (name == 'b') options.binary = 1;
    else if (name == 't') options.tls = 1;
    else if (name == 'T') exit(tls_context(CHUNK) ? 0 : 1);
    else exit(2);
  }
  if (!options.port || !options.connections || !options.duration || (!options.in_flight && !options.rate) ||
      (options.broadcast && (options.recordings || options.in_flight >= MOST_TURNS))) {
    fprintf(stderr, "see the first lines of load.c\n");
    exit(2);
  }
}

int main(int count, char **arguments) {
  read_options(count, arguments);
  signal(SIGPIPE, SIG_IGN);
  uint64_t period = period_of(options.size + 14);
  // A request for a turn of broadcasts may be any message, so it is short.
  out = stream(options.broadcast ? 1 : options.size, period, 1, &out_frame);
  due = stream(options.size, period, 0, &in_frame);
  out_period = out_frame * period, in_period = in_frame * period;

  if (options.recordings) {
    read_recordings(options.recordings);
    if (!find_zlib()) zlib.inflate = NULL;
  }

  void *context = options.tls ? tls_context(CHUNK) : NULL;
  if (options.tls && !context) fail("no libssl");
  all = calloc(options.connections, sizeof *all);
  int poll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  for (int i = 0; i < options.connections; i++) {
    all[i].index = i;
    dial(&all[i], context);
  }
  // After all connections are open, so that each receives broadcasts from the same message on.
  for (int i = 0; i < options.connections; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &all[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  epoll_ctl(poll, EPOLL_CTL_ADD, timer, &wake);

  double start = seconds(), end = start + options.warm_up + options.duration, begin = 0, begin_cpu = 0, now;
  first_due = start, counts_from = start + options.warm_up;
  uint64_t begin_messages = 0, begin_bytes = 0, issued = 0, asked = 0;
  if (options.rate) keep_pace(timer, &issued, end);
  for (;;) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 100);
    now = seconds();
    if (!begin && now >= counts_from) begin = now, begin_messages = messages, begin_bytes = bytes_received, begin_cpu = cpu();
    if (now >= end) break;
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) exchange(events[i].data.ptr);
    }
    if (options.rate) keep_pace(timer, &issued, end);
    if (asked < turns) asked = turns, give(&all[0]);
  }
  uint64_t measured = messages - begin_messages;
  uint64_t measured_bytes = bytes_received - begin_bytes;
  double took = now - begin, used = cpu() - begin_cpu;

  // Every due message counts, however late its answer is. Data that epoll has reported is read first.
  for (int i = 0; options.rate && i < options.connections; i++) exchange(&all[i]);
  while (options.rate && messages < issued) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) exchange(events[i].data.ptr);
    }
    errno = ETIMEDOUT;
    if (seconds() > end + PATIENCE) fail("the last answers");
  }
  printf("{\"messages\":%llu,\"seconds\":%.6f,\"cpu\":%.6f", (unsigned long long)measured, took, used);
  if (options.recordings) {
    printf(",\"bytes\":%llu,\"total\":%llu,\"agreed\":\"%s\",\"compared\":%s", (unsigned long long)measured_bytes,
           (unsigned long long)messages, agreed,
           zlib.inflate ? "true" : "false");
  }
  if (options.rate) print_percentiles("latency", &latency), print_percentiles("lateness", &lateness);
  printf("}\n");
  return 0;
}
