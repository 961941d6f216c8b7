// Inflates with the machine's libz, which is loaded on demand, so neither its headers nor the library are needed to
// compile.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

// From zlib.h, unchanged since 1.2.
typedef struct {
  const uint8_t *next_in;
  unsigned avail_in;
  unsigned long total_in;
  uint8_t *next_out;
  unsigned avail_out;
  unsigned long total_out;
  const char *msg;
  void *state, *zalloc, *zfree, *opaque;
  int data_type;
  unsigned long adler, reserved;
} Inflating;

#define Z_SYNC_FLUSH 2
#define Z_STREAM_END 1
#define Z_BUF_ERROR (-5)
#define WINDOW 32768

static struct {
  int (*inflateInit2_)(Inflating *stream, int window_bits, const char *version, int size);
  int (*inflate)(Inflating *stream, int flush);
  int (*inflateReset)(Inflating *stream);
  int (*inflateGetDictionary)(Inflating *stream, uint8_t *bytes, unsigned *length);
  int (*inflateSetDictionary)(Inflating *stream, const uint8_t *bytes, unsigned length);
} zlib;

// Whether there is a libz.
static int find_zlib(void) {
  void *library = dlopen("libz.so.1", RTLD_NOW);
  if (!library) return 0;
#define FIND(name)                                   \
  *(void **)&zlib.name = dlsym(library, #name);      \
  if (!zlib.name) return 0
  FIND(inflateInit2_);
  FIND(inflate);
  FIND(inflateReset);
  FIND(inflateGetDictionary);
  FIND(inflateSetDictionary);
#undef FIND
  return 1;
}

// Raw DEFLATE, with the largest window.
static int inflating(Inflating *stream) {
  return zlib.inflateInit2_(stream, -15, "1.2.0", sizeof *stream) == 0;
}

// Continues after a block with BFINAL set (RFC 7692 §7.2.3.4). For zlib the stream has ended, but its window is still
// valid.
static int inflate_on(Inflating *stream) {
  static uint8_t window[WINDOW];
  unsigned length = 0;
  return zlib.inflateGetDictionary(stream, window, &length) == 0 && zlib.inflateReset(stream) == 0 &&
         zlib.inflateSetDictionary(stream, window, length) == 0;
}
