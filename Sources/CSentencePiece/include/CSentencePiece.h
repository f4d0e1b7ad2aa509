// C functions over libsentencepiece, which has a C++ interface only.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded model; any number of threads may encode with it at once.
typedef struct sluice_pieces sluice_pieces;

/// Loads a serialized model (the contents of spm.model); NULL if it is none.
sluice_pieces *sluice_pieces_load(const uint8_t *model, size_t length);

void sluice_pieces_free(sluice_pieces *pieces);

/// How many pieces the vocabulary has.
int32_t sluice_pieces_count(const sluice_pieces *pieces);

/// The id of a piece, or -1 when the vocabulary does not have it.
int32_t sluice_pieces_id(const sluice_pieces *pieces, const char *piece);

/// The id of the piece for unknown characters.
int32_t sluice_pieces_unknown(const sluice_pieces *pieces);

/// The ids of UTF-8 text in memory from malloc, to be freed by the caller, with their number in
/// *count; NULL when the library fails.
///
/// A piece whose id is one of `forbidden` is spelled out in pieces of one character each: text may
/// look like a control token but never become one.
int32_t *sluice_pieces_encode(const sluice_pieces *pieces, const uint8_t *text, size_t length,
                              const int32_t *forbidden, size_t forbidden_count, size_t *count);

#ifdef __cplusplus
}
#endif
