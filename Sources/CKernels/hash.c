#include <string.h>

#include "CKernels.h"
#include "dispatch.h"

enum { HASH_LANES = 16, HASH_BLOCK = HASH_LANES * sizeof(uint64_t) };

static const uint64_t prime_1 = 0x9E3779B185EBCA87u;
static const uint64_t prime_2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t prime_3 = 0x165667B19E3779F9u;

/// Every input bit reaches every output bit (xxHash's final mix).
INLINE uint64_t avalanche(uint64_t x) {
  x = (x ^ (x >> 33)) * prime_2;
  x = (x ^ (x >> 29)) * prime_3;
  return x ^ (x >> 32);
}

/// One block into the lanes, as XXH3 does: the product of the two halves of the keyed word, plus
/// the neighbour's word, which keeps a zero factor from hiding its partner.
INLINE void absorb(uint64_t *restrict lanes, const unsigned char *bytes, const uint64_t *keys) {
  uint64_t words[HASH_LANES];
  memcpy(words, bytes, HASH_BLOCK);
  for (int l = 0; l < HASH_LANES; ++l) {
    const uint64_t keyed = words[l] ^ keys[l];
    lanes[l] += (keyed & 0xFFFFFFFFu) * (keyed >> 32) + words[l ^ 1];
  }
}

/// Between runs of blocks: makes a lane depend on the order of what it absorbed.
INLINE void scramble(uint64_t *restrict lanes, const uint64_t *keys) {
  for (int l = 0; l < HASH_LANES; ++l)
    lanes[l] = (lanes[l] ^ (lanes[l] >> 47) ^ keys[l]) * 0x9E3779B1u;
}

VECTORISED uint64_t kernel_hash(const void *bytes, size_t count, uint64_t seed) {
  enum { BLOCKS_PER_RUN = 16 };
  uint64_t keys[HASH_LANES + BLOCKS_PER_RUN];
  uint64_t lanes[HASH_LANES];
  for (int k = 0; k < HASH_LANES + BLOCKS_PER_RUN; ++k)
    keys[k] = avalanche(seed + prime_1 * (uint64_t)(k + 1));
  for (int l = 0; l < HASH_LANES; ++l) lanes[l] = prime_3 * (uint64_t)(l + 1);
  const unsigned char *next = bytes;
  size_t left = count;
  for (int block = 0; left >= HASH_BLOCK; left -= HASH_BLOCK, next += HASH_BLOCK) {
    // Each block of a run meets other keys, so that swapping two blocks changes the sum.
    absorb(lanes, next, keys + block);
    block = block + 1 == BLOCKS_PER_RUN ? 0 : block + 1;
    if (block == 0) scramble(lanes, keys);
  }
  unsigned char tail[HASH_BLOCK] = {0};
  if (left > 0) memcpy(tail, next, left);
  scramble(lanes, keys + 1);
  absorb(lanes, tail, keys + 2);
  uint64_t hash = seed ^ (uint64_t)count * prime_1;
  for (int l = 0; l < HASH_LANES; ++l) hash = avalanche(hash ^ lanes[l]) + prime_1 * lanes[l];
  return avalanche(hash);
}
