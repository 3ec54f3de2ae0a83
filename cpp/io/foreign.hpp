// Recognises files that are not safetensors by their first bytes, so that the error can say what was given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fastnn::io {

inline constexpr std::size_t kForeignBytes = 128;  // of the beginning; a zip file needs 30 and its first member's name

// Throws ModelFormatError, or UnsupportedModelError for pickled files, when `beginning` is that of a known other kind
// of file; else does nothing. `file` opens the message.
void refuse_foreign(std::string_view beginning, const std::string& file);

}  // namespace fastnn::io
