// Fuzzes the JSON header of a model file that is otherwise valid: its length is right, and it is followed by as much
// data as its entries ask for. The input up to the first NUL is the header. A `$` in it is replaced by the rest of the
// input, quoted as a JSON string, so that mutations of a config need not escape quotes.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "model_in_memory.hpp"

namespace {

using Json = nlohmann::json;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char each : text) {
    if (each == '"' || each == '\\') result += '\\';
    if (static_cast<unsigned char>(each) >= ' ') {
      result += each;
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", each);
    result += escape;
  }
  return result + '"';
}

std::string header_of(const std::string& input) {
  const std::size_t nul = input.find('\0');
  std::string header = input.substr(0, nul);
  if (nul == std::string::npos) return header;
  const std::size_t place = header.find('$');
  if (place != std::string::npos) header.replace(place, 1, quoted(input.substr(nul + 1)));
  return header;
}

// Returns the end of the last tensor according to the header, at most 1 MiB.
std::size_t data_size(const std::string& header) {
  constexpr std::uint64_t kMost = 1 << 20;
  const Json json = Json::parse(header, nullptr, false);
  std::uint64_t end = 0;
  if (!json.is_object()) return 0;
  for (const Json& entry : json) {
    if (!entry.is_object() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array()) continue;
    for (const Json& offset : entry["data_offsets"])
      if (offset.is_number_unsigned()) end = std::max(end, std::min(kMost, offset.get<std::uint64_t>()));
  }
  return static_cast<std::size_t>(end);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string header = header_of(std::string(reinterpret_cast<const char*>(data), size));
  const std::uint64_t length = header.size();
  std::string content(sizeof length, '\0');
  std::memcpy(content.data(), &length, sizeof length);
  content += header;
  content.resize(content.size() + data_size(header), '\x3f');
  fastnn::fuzz::read_and_use(content);
  return 0;
}
