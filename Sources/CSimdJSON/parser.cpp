#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "CSimdJSON.h"
#include "unescape.hpp"

namespace ondemand = simdjson::ondemand;

/// The parser's buffers, which grow to the largest document seen.
struct sluice_json_parser {
  ondemand::parser parser;
  /// The payload, with the padding that simdjson reads beyond its end.
  std::vector<char> payload;
  /// Unescaped strings. Each is at most as long as its escaped form, so the payload's size is
  /// enough, and no string moves while a document is walked.
  std::vector<char> strings;
  std::vector<sluice_json_node> nodes;
};

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

sluice_json_error translate(simdjson::error_code error) {
  switch (error) {
    case simdjson::SUCCESS: return SLUICE_JSON_OK;
    case simdjson::EMPTY: return SLUICE_JSON_EMPTY;
    case simdjson::UTF8_ERROR: return SLUICE_JSON_INVALID_UTF8;
    case simdjson::UNESCAPED_CHARS: return SLUICE_JSON_CONTROL_CHARACTER;
    case simdjson::UNCLOSED_STRING: return SLUICE_JSON_UNCLOSED_STRING;
    case simdjson::CAPACITY: case simdjson::MEMALLOC: return SLUICE_JSON_TOO_LARGE;
    default: return SLUICE_JSON_BAD_STRUCTURE;
  }
}

/// One walk over one document.
class Walk {
 public:
  Walk(sluice_json_parser &buffers, const char *start, ondemand::document &document)
      : buffers(buffers), start(start), document(document), free(buffers.strings.data()) {}

  /// Where the walk stopped, for the error's position.
  const char *location() {
    const char *pointer = nullptr;
    return document.current_location().get(pointer) ? nullptr : pointer;
  }

  sluice_json_error top() {
    ondemand::object object;
    const uint32_t index = append(std::string_view(), SLUICE_JSON_OBJECT, start);
    if (const auto error = document.get_object().get(object)) return translate(error);
    if (const auto error = members(object, 1)) return error;
    if (location()) return SLUICE_JSON_TRAILING_CONTENT;
    buffers.nodes[index].next = static_cast<uint32_t>(buffers.nodes.size());
    return SLUICE_JSON_OK;
  }

 private:
  sluice_json_parser &buffers;
  const char *start;
  ondemand::document &document;
  char *free;

  uint32_t append(std::string_view key, sluice_json_kind kind, const char *position) {
    const auto index = static_cast<uint32_t>(buffers.nodes.size());
    sluice_json_node node{};
    node.key = key.data();
    node.key_count = static_cast<uint32_t>(key.size());
    node.text = position;
    node.next = index + 1;
    node.position = static_cast<uint32_t>(position - start);
    node.kind = kind;
    buffers.nodes.push_back(node);
    return index;
  }

  sluice_json_error members(ondemand::object &object, int depth) {
    for (auto result : object) {
      ondemand::field field;
      if (const auto error = std::move(result).get(field)) return translate(error);
      std::string_view key;
      if (const auto error = name(field.key().raw(), key)) return error;
      if (const auto error = value(key, field.value(), depth)) return error;
    }
    return SLUICE_JSON_OK;
  }

  sluice_json_error elements(ondemand::array &array, int depth) {
    for (auto result : array) {
      ondemand::value element;
      if (const auto error = std::move(result).get(element)) return translate(error);
      if (const auto error = value(std::string_view(), element, depth)) return error;
    }
    return SLUICE_JSON_OK;
  }

  sluice_json_error value(std::string_view key, ondemand::value &value, int depth) {
    ondemand::json_type type;
    if (value.type().get(type)) return SLUICE_JSON_BAD_VALUE;
    switch (type) {
      case ondemand::json_type::object: return container<ondemand::object>(key, value, depth);
      case ondemand::json_type::array: return container<ondemand::array>(key, value, depth);
      default: return scalar(key, type, value.raw_json_token());
    }
  }

  template <typename Container>
  sluice_json_error container(std::string_view key, ondemand::value &value, int depth) {
    if (depth >= SLUICE_JSON_DEPTH_MAX) return SLUICE_JSON_TOO_DEEP;
    const char *position = value.raw_json_token().data();
    constexpr bool is_object = std::is_same_v<Container, ondemand::object>;
    const uint32_t index =
        append(key, is_object ? SLUICE_JSON_OBJECT : SLUICE_JSON_ARRAY, position);
    Container inner;
    if (const auto error = value.get(inner)) return translate(error);
    sluice_json_error error;
    if constexpr (is_object) {
      error = members(inner, depth + 1);
    } else {
      error = elements(inner, depth + 1);
    }
    if (error) return error;
    // The next token is known, and only space can stand between it and the closing bracket.
    const char *end = location();
    if (end == nullptr) return SLUICE_JSON_BAD_STRUCTURE;
    while (end > position && is_space(end[-1])) --end;
    buffers.nodes[index].text_count = static_cast<uint32_t>(end - position);
    buffers.nodes[index].next = static_cast<uint32_t>(buffers.nodes.size());
    return SLUICE_JSON_OK;
  }

  sluice_json_error scalar(
      std::string_view key, ondemand::json_type type, std::string_view token) {
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    sluice_json_kind kind;
    std::string_view text = token;
    if (type == ondemand::json_type::string) {
      kind = SLUICE_JSON_STRING;
      if (token.size() < 2 || token.back() != '"') return SLUICE_JSON_BAD_VALUE;
      if (const auto error = contents(token.substr(1, token.size() - 2), text)) return error;
    } else if (type == ondemand::json_type::number) {
      kind = SLUICE_JSON_NUMBER;
      if (!sluice::is_number(token)) return SLUICE_JSON_BAD_VALUE;
    } else if (token == "null") {
      kind = SLUICE_JSON_NULL;
    } else if (token == "true") {
      kind = SLUICE_JSON_TRUE;
    } else if (token == "false") {
      kind = SLUICE_JSON_FALSE;
    } else {
      return SLUICE_JSON_BAD_VALUE;
    }
    sluice_json_node &node = buffers.nodes[append(key, kind, token.data())];
    node.text = text.data();
    node.text_count = static_cast<uint32_t>(text.size());
    return SLUICE_JSON_OK;
  }

  /// The name that starts behind the quote at `raw`. simdjson has seen that it is closed.
  sluice_json_error name(const char *raw, std::string_view &key) {
    const char *end = raw;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    return contents(std::string_view(raw, static_cast<std::size_t>(end - raw)), key);
  }

  /// A string's text: where it stands when it has no escape, else unescaped into `strings`.
  sluice_json_error contents(std::string_view raw, std::string_view &text) {
    text = raw;
    if (raw.find('\\') == raw.npos) return SLUICE_JSON_OK;
    const std::size_t count = sluice::unescape(raw, free);
    if (count == raw.npos) return SLUICE_JSON_BAD_ESCAPE;
    text = std::string_view(free, count);
    free += count;
    return SLUICE_JSON_OK;
  }
};

sluice_json_document failure(sluice_json_error error, int64_t position) {
  sluice_json_document document{};
  document.error = error;
  document.position = position;
  return document;
}

sluice_json_document parse(sluice_json_parser &buffers, const uint8_t *bytes, size_t count) {
  // Positions are 32 bits wide, and simdjson ends at 4 GiB as well.
  if (count > INT32_MAX) return failure(SLUICE_JSON_TOO_LARGE, -1);
  const size_t needed = count + simdjson::SIMDJSON_PADDING;
  if (buffers.payload.size() < needed) buffers.payload.resize(needed);
  if (buffers.strings.size() < count) buffers.strings.resize(count);
  buffers.nodes.clear();
  char *const start = buffers.payload.data();
  if (count > 0) std::memcpy(start, bytes, count);
  std::memset(start + count, ' ', simdjson::SIMDJSON_PADDING);

  size_t first = count >= 3 && std::memcmp(start, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  while (first < count && is_space(start[first])) ++first;
  if (first == count) return failure(SLUICE_JSON_EMPTY, -1);
  if (start[first] != '{') {
    return failure(SLUICE_JSON_NOT_AN_OBJECT, static_cast<int64_t>(first));
  }
  ondemand::document document;
  const simdjson::padded_string_view view(start + first, count - first, needed - first);
  if (const auto error = buffers.parser.iterate(view).get(document)) {
    return failure(translate(error), -1);
  }
  Walk walk(buffers, start, document);
  if (const auto error = walk.top()) {
    const char *location = walk.location();
    return failure(error, location ? location - start : -1);
  }
  sluice_json_document result{};
  result.nodes = buffers.nodes.data();
  result.count = static_cast<uint32_t>(buffers.nodes.size());
  result.position = -1;
  return result;
}

}  // namespace

sluice_json_parser *sluice_json_parser_create(void) {
  return new (std::nothrow) sluice_json_parser();
}

void sluice_json_parser_destroy(sluice_json_parser *parser) { delete parser; }

sluice_json_document sluice_json_parse(
    sluice_json_parser *parser, const uint8_t *bytes, size_t count) {
  try {
    return parse(*parser, bytes, count);
  } catch (const std::exception &) {
    // Only memory can run out here.
    return failure(SLUICE_JSON_TOO_LARGE, -1);
  }
}
