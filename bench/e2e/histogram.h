// A histogram of times in constant memory. A bucket's width is 1/128 of its power of two, so percentiles are accurate
// to 1 %.

#include <stdint.h>

#define PARTS 128

typedef struct {
  uint64_t counts[64 * PARTS], total, greatest;
} Histogram;

static int bucket_of(uint64_t value) {
  if (value < PARTS) return value;
  int shift = 63 - __builtin_clzll(value) - 7;
  return (shift + 1) * PARTS + ((value >> shift) - PARTS);
}

// The smallest value that is too large for a bucket.
static uint64_t end_of(int bucket) {
  if (bucket < PARTS) return bucket + 1;
  int shift = bucket / PARTS - 1;
  return (uint64_t)(bucket % PARTS + PARTS + 1) << shift;
}

static void record(Histogram *histogram, uint64_t value) {
  histogram->counts[bucket_of(value)]++;
  histogram->total++;
  if (value > histogram->greatest) histogram->greatest = value;
}

// The value that a fraction of all values, 0 to 1, does not exceed.
static uint64_t percentile(const Histogram *histogram, double part) {
  uint64_t seen = 0, least = part * histogram->total;
  for (int bucket = 0; bucket < 64 * PARTS; bucket++) {
    seen += histogram->counts[bucket];
    if (seen <= least && seen < histogram->total) continue;
    uint64_t end = end_of(bucket) - 1;
    return end < histogram->greatest ? end : histogram->greatest;
  }
  return histogram->greatest;
}
