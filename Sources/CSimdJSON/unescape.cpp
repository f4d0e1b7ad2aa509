#include "unescape.hpp"

#include <cstdint>
#include <cstring>

namespace sluice {
namespace {

constexpr uint32_t replacement = 0xFFFD;
constexpr uint32_t not_hexadecimal = UINT32_MAX;

uint32_t hexadecimal(std::string_view raw, std::size_t at) noexcept {
  if (at + 4 > raw.size()) return not_hexadecimal;
  uint32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const char c = raw[i];
    unit <<= 4;
    if (c >= '0' && c <= '9') {
      unit |= static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      unit |= static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      unit |= static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return not_hexadecimal;
    }
  }
  return unit;
}

char *append_utf8(uint32_t scalar, char *output) noexcept {
  const auto continuation = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (scalar < 0x80) {
    *output++ = static_cast<char>(scalar);
  } else if (scalar < 0x800) {
    *output++ = static_cast<char>(0xC0 | (scalar >> 6));
    *output++ = continuation(scalar);
  } else if (scalar < 0x10000) {
    *output++ = static_cast<char>(0xE0 | (scalar >> 12));
    *output++ = continuation(scalar >> 6);
    *output++ = continuation(scalar);
  } else {
    *output++ = static_cast<char>(0xF0 | (scalar >> 18));
    *output++ = continuation(scalar >> 12);
    *output++ = continuation(scalar >> 6);
    *output++ = continuation(scalar);
  }
  return output;
}

/// Reads the four digits at `at`, and a second escape when they are the first half of a pair.
/// Moves `at` behind what was read.
uint32_t read_unicode_escape(std::string_view raw, std::size_t &at) noexcept {
  const uint32_t unit = hexadecimal(raw, at);
  if (unit == not_hexadecimal) return unit;
  at += 4;
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit > 0xDBFF || raw.substr(at, 2) != "\\u") return replacement;
  const uint32_t low = hexadecimal(raw, at + 2);
  if (low == not_hexadecimal || low < 0xDC00 || low > 0xDFFF) return replacement;
  at += 6;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/// The character that a one-letter escape stands for; 0 when there is none.
char short_escape(char letter) noexcept {
  switch (letter) {
    case '"': case '\\': case '/': return letter;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

std::size_t unescape(std::string_view raw, char *output) noexcept {
  char *end = output;
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t backslash = raw.find('\\', at);
    const std::size_t run = (backslash == raw.npos ? raw.size() : backslash) - at;
    std::memcpy(end, raw.data() + at, run);
    end += run;
    at += run;
    if (backslash == raw.npos) break;
    if (at + 1 >= raw.size()) return raw.npos;
    const char letter = raw[at + 1];
    at += 2;
    if (letter == 'u') {
      const uint32_t scalar = read_unicode_escape(raw, at);
      if (scalar == not_hexadecimal) return raw.npos;
      end = append_utf8(scalar, end);
    } else if (const char character = short_escape(letter)) {
      *end++ = character;
    } else {
      return raw.npos;
    }
  }
  return static_cast<std::size_t>(end - output);
}

bool is_number(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto next_is = [&](char c) { return at < text.size() && text[at] == c; };
  const auto skip_digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > start;
  };
  if (next_is('-')) ++at;
  if (next_is('0')) {
    ++at;
  } else if (!skip_digits()) {
    return false;
  }
  if (next_is('.')) {
    ++at;
    if (!skip_digits()) return false;
  }
  if (next_is('e') || next_is('E')) {
    ++at;
    if (next_is('+') || next_is('-')) ++at;
    if (!skip_digits()) return false;
  }
  return at == text.size();
}

}  // namespace sluice
