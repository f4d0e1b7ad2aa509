#pragma once

#include <stddef.h>
#include <stdint.h>

// Strict JSON parsing over simdjson, as a flat list of nodes.
//
// simdjson finds the structure and validates UTF-8; this module walks every value, also those that
// nobody asks for, so that a document is either valid as a whole or refused. Numbers stay text:
// none is too large. The memory of a document belongs to its parser and lives until the parser's
// next call.

#ifdef __cplusplus
extern "C" {
#endif

/// What a node holds.
typedef enum {
  SLUICE_JSON_NULL,
  SLUICE_JSON_FALSE,
  SLUICE_JSON_TRUE,
  SLUICE_JSON_NUMBER,
  SLUICE_JSON_STRING,
  SLUICE_JSON_ARRAY,
  SLUICE_JSON_OBJECT,
} sluice_json_kind;

/// Why a payload was refused.
typedef enum {
  SLUICE_JSON_OK,
  SLUICE_JSON_EMPTY,
  SLUICE_JSON_NOT_AN_OBJECT,
  SLUICE_JSON_INVALID_UTF8,
  SLUICE_JSON_CONTROL_CHARACTER,
  SLUICE_JSON_UNCLOSED_STRING,
  SLUICE_JSON_BAD_ESCAPE,
  SLUICE_JSON_BAD_VALUE,
  SLUICE_JSON_BAD_STRUCTURE,
  SLUICE_JSON_TOO_DEEP,
  SLUICE_JSON_TRAILING_CONTENT,
  SLUICE_JSON_TOO_LARGE,
} sluice_json_error;

/// Containers may stand in each other this deep; deeper is SLUICE_JSON_TOO_DEEP.
enum { SLUICE_JSON_DEPTH_MAX = 128 };

/// One value. Nodes stand in document order, a container before what it holds.
typedef struct {
  /// The member's name, unescaped UTF-8; NULL in an array and for the top level.
  const char *key;
  /// A string unescaped, anything else as it stands in the payload.
  const char *text;
  uint32_t key_count;
  uint32_t text_count;
  /// The index of the first node after this value.
  uint32_t next;
  /// The byte of the payload where the value starts.
  uint32_t position;
  sluice_json_kind kind;
} sluice_json_node;

/// A parsed document: `nodes[0]` is the object at the top.
typedef struct {
  const sluice_json_node *nodes;
  uint32_t count;
  sluice_json_error error;
  /// The byte where the error was noticed, -1 when that is unknown.
  int64_t position;
} sluice_json_document;

/// Buffers that are used again for every document. One thread at a time.
typedef struct sluice_json_parser sluice_json_parser;

/// A new parser; NULL when there is no memory.
sluice_json_parser *sluice_json_parser_create(void);

void sluice_json_parser_destroy(sluice_json_parser *parser);

/// Parses `count` bytes, which are copied: they need no padding and may go away afterwards.
/// A byte order mark is skipped. A lone surrogate in an escape becomes U+FFFD.
sluice_json_document sluice_json_parse(
    sluice_json_parser *parser, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif
