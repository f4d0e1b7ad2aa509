#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

/// Writes a JSON string's content without its escapes and returns how many bytes that took, never
/// more than `raw` has; npos when an escape is wrong. A lone surrogate, which no UTF-8 text can
/// hold, becomes U+FFFD: senders that cut text by UTF-16 units produce it, and the rest of such a
/// text is worth judging.
std::size_t unescape(std::string_view raw, char *output) noexcept;

/// Whether that is one number of the JSON grammar.
bool is_number(std::string_view text) noexcept;

}  // namespace sluice
